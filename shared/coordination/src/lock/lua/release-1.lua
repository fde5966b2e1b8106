-- Gives a lock back, if it is still the caller's.
--
-- KEYS[1]  lock: a string "segment epoch nonce"
-- ARGV[1]  the caller's whole value
-- returns  1 if it was given back, 0 if it was lost
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
