-- Takes a lock if it is free, or held by the same segment under a lower epoch.
--
-- KEYS[1]  lock: a string "segment epoch nonce"
-- ARGV[1]  time to live, ms
-- ARGV[2]  segment
-- ARGV[3]  epoch
-- ARGV[4]  nonce
-- returns  1 if it is taken, 0 if it is busy
local holder = redis.call('GET', KEYS[1])
if holder then
  local segment, epoch = string.match(holder, '^(%S+) (%d+) ')
  if segment ~= ARGV[2] or tonumber(epoch) >= tonumber(ARGV[3]) then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], 'PX', ARGV[1])
return 1
