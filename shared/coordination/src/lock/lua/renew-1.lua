-- Keeps a lock for another time to live.
--
-- KEYS[1]  lock: a string "segment epoch nonce"
-- ARGV[1]  time to live, ms
-- ARGV[2]  the caller's whole value
-- returns  1 if it is kept, 0 if it is lost
if redis.call('GET', KEYS[1]) ~= ARGV[2] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
