-- Opens gates that are closed only because this Redis is new to them: for who knows that nothing is in flight.
--
-- KEYS[1]  sentinel (see now.lua)
-- returns  1 if they were opened, 0 if this Redis was known already
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[1], 'run_id') == run_id then
  return 0
end
redis.call('HSET', KEYS[1], 'run_id', run_id, 'opens_at', '0')
return 1
