-- Tries whether this user may run scripts, and write.
--
-- KEYS[1]  a sorted set that nothing else uses
-- returns  how many members it holds: 1
redis.call('ZADD', KEYS[1], 0, 'probe')
redis.call('PEXPIRE', KEYS[1], 60000)
return redis.call('ZCARD', KEYS[1])
