-- Closes a connection's gate, and makes it slower if it was open. A shorter closing never shortens a longer one.
--
-- KEYS[1]  sentinel (see now.lua)
-- KEYS[2]  gate: a hash of next_free, closed_until (see closed.lua) and slowed_at, µs, and slowness (see slowness.lua)
-- ARGV[1]  quarantine, µs (see now.lua)
-- ARGV[2]  for how long the upstream has said, µs, an hour at most; 0 if it has not
-- ARGV[3]  for how long a gate at full pace closes where it has not said, µs; slower ones close longer
-- ARGV[4]  calm, µs (see slowness.lua)
-- ARGV[5]  the longest closing that the upstream has not asked for, µs
-- ARGV[6]  what a closing leaves of the pace
-- ARGV[7]  the greatest slowness
-- returns  for how long it is closed now, µs
local calm = tonumber(ARGV[4])
local gate = redis.call('HMGET', KEYS[2], 'next_free', 'closed_until', 'slowness', 'slowed_at')
local slowness = slowness_now(gate[3], gate[4], calm)
local guessed = math.min(ARGV[3] * slowness * slowness, tonumber(ARGV[5]))
local closed_before = closed_until_now(gate[2])
local closed_until = math.max(now + math.max(tonumber(ARGV[2]), guessed), closed_before)
-- What is booked before the opening will be refused by start and booked again; what is booked after it still holds.
local next_free = math.max(closed_until, tonumber(gate[1]) or 0)
redis.call('HSET', KEYS[2], 'closed_until', string.format('%.0f', closed_until),
  'next_free', string.format('%.0f', next_free))
if closed_before <= now then
  slowness = math.min(slowness / ARGV[6], tonumber(ARGV[7]))
  redis.call('HSET', KEYS[2], 'slowness', string.format('%.6f', slowness), 'slowed_at', string.format('%.0f', now))
end
-- It lasts until the gate is at full pace again.
redis.call('PEXPIRE', KEYS[2], math.ceil((next_free - now + 5 * calm) / 1000) + 60000)
return closed_until - now
