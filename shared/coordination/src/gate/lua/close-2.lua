-- Closes a connection's gate. A shorter closing never shortens a longer one.
--
-- KEYS[1]  sentinel (see now.lua)
-- KEYS[2]  gate: a hash of next_free and closed_until, µs
-- ARGV[1]  quarantine, µs (see now.lua)
-- ARGV[2]  for how long, µs
-- returns  for how long it is closed now, µs
local gate = redis.call('HMGET', KEYS[2], 'next_free', 'closed_until')
local closed_until = math.max(now + ARGV[2], tonumber(gate[2]) or 0)
-- What is booked before the opening will be refused by start and booked again; what is booked after it still holds.
local next_free = math.max(closed_until, tonumber(gate[1]) or 0)
redis.call('HSET', KEYS[2], 'closed_until', string.format('%.0f', closed_until),
  'next_free', string.format('%.0f', next_free))
redis.call('PEXPIRE', KEYS[2], math.ceil((next_free - now) / 1000) + 60000)
return closed_until - now
