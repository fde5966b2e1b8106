-- Keeps a slot for another time to live.
--
-- KEYS[1]  slots: a sorted set of slot ids by the end of their lease, µs
-- ARGV[1]  a slot's time to live, µs
-- ARGV[2]  the slot's id
-- returns  1 if it is kept, 0 if it is lost
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local lease_end = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]) or 0)
if lease_end <= now then
  return 0
end
redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + ARGV[1]), ARGV[2])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] / 1000))
return 1
