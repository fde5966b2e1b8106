-- Takes a slot for a request that begins now.
--
-- KEYS[1]  sentinel (see now.lua)
-- KEYS[2]  gate: a hash of next_free and closed_until, µs
-- KEYS[3]  slots: a sorted set of slot ids by the end of their lease, µs
-- ARGV[1]  quarantine, µs (see now.lua)
-- ARGV[2]  how many slots there are
-- ARGV[3]  a slot's time to live, µs
-- ARGV[4]  the slot's id
-- returns  {0, 0} if it is taken, {1, 0} if none is free, {2, wait in µs} if the gate is closed
local opening = math.max(opens_at, closed_until_now(redis.call('HGET', KEYS[2], 'closed_until')))
if opening > now then
  return {2, opening - now}
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
-- A lease that ends further ahead than it lasts was taken before the clock was set back. Who took it may still live.
local latest = string.format('%.0f', now + ARGV[3])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. latest, '+inf')) do
  redis.call('ZADD', KEYS[3], 'XX', latest, id)
end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[2]) then
  return {1, 0}
end
redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[3]), ARGV[4])
redis.call('PEXPIRE', KEYS[3], math.ceil(ARGV[3] / 1000))
return {0, 0}
