-- Whether this Redis is new to the gates.
--
-- KEYS[1]  sentinel (see now.lua)
-- returns  1 if the sentinel is missing or names another Redis, else 0
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[1], 'run_id') == run_id then
  return 0
end
return 1
