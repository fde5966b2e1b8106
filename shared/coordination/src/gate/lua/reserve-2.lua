-- Books the next free instant of a connection: GCRA with burst 1, first come first served.
--
-- KEYS[1]  sentinel (see now.lua)
-- KEYS[2]  gate: a hash of next_free, closed_until, seen (the last time anyone booked) and slowed_at, µs, and slowness
--          (see slowness.lua)
-- ARGV[1]  quarantine, µs (see now.lua)
-- ARGV[2]  interval between two grants, µs
-- ARGV[3]  patience, µs: nothing is booked further away than this
-- ARGV[4]  calm, µs (see slowness.lua)
-- returns  {1, wait in µs} if booked, {0, wait in µs} if the next free instant is too far away
local patience, calm = tonumber(ARGV[3]), tonumber(ARGV[4])
local gate = redis.call('HMGET', KEYS[2], 'next_free', 'closed_until', 'seen', 'slowness', 'slowed_at')
local slowness = slowness_now(gate[4], gate[5], calm)
local interval = ARGV[2] * slowness
local opening = math.max(now, opens_at, closed_until_now(gate[2]))
local next_free = tonumber(gate[1]) or 0
-- Where the clock was set back, bookings seem to lie far ahead, and nobody could wait for them.
if now < (tonumber(gate[3]) or 0) then
  next_free = opening + interval
end
local booked = math.max(opening, next_free)
local wait = booked - now
if wait > patience then
  return {0, wait}
end
redis.call('HSET', KEYS[2], 'next_free', string.format('%.0f', booked + interval), 'seen', string.format('%.0f', now))
-- Once its last booking has passed, a gate that is gone and a gate that is empty are the same.
-- A slow one must stay remembered until it is at full pace again.
local remembered = slowness > 1 and 5 * calm or 0
redis.call('PEXPIRE', KEYS[2], math.ceil((wait + interval + remembered) / 1000) + 60000)
return {1, wait}
