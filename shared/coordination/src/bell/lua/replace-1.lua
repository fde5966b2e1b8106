-- Replaces a lane's ready set.
--
-- KEYS[1]  the lane's sorted set
-- ARGV     the ids, in the order they are to be served
-- returns  how many were set
redis.call('DEL', KEYS[1])
for first = 1, #ARGV, 1000 do
  local members = {}
  for place = first, math.min(first + 999, #ARGV) do
    members[#members + 1] = place
    members[#members + 1] = ARGV[place]
  end
  redis.call('ZADD', KEYS[1], unpack(members))
end
return #ARGV
