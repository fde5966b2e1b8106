-- Notes that the ledger has changed. However often it rings, one note is kept.
--
-- KEYS[1]  the ring's list
-- returns  1 if this is the first ring since the last one heard, else 0
if redis.call('LLEN', KEYS[1]) > 0 then
  return 0
end
redis.call('RPUSH', KEYS[1], '1')
return 1
