-- Stands before the scripts that ask whether a gate is closed.
--
-- KEYS[2]  gate: a hash of closed_until, µs, and more
--
-- No closing lasts longer than an hour, so one that ends later was made before the clock was set back. It is written
-- down anew, or its end would stay an hour away for ever.
local function closed_until_now(closed_until)
  closed_until = tonumber(closed_until) or 0
  local latest = now + 3600000000
  if closed_until <= latest then
    return closed_until
  end
  redis.call('HSET', KEYS[2], 'closed_until', string.format('%.0f', latest))
  return latest
end
