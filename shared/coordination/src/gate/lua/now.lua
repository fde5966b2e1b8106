-- Begins every script of the gate: what time it is, and whether the gates are open on this Redis.
--
-- KEYS[1]  sentinel: a hash of run_id and opens_at (µs)
-- ARGV[1]  quarantine, µs: how long gates stay closed on a Redis that has forgotten what it granted
--
-- A Redis that was flushed, restarted, failed over or rewound has another run_id or no sentinel. What it granted
-- before may still be in flight for a slot's time to live: then its holder, who cannot renew it, has aborted. Afterwards
-- the gates open, empty.
--
-- Nothing ends further ahead than it lasts, unless the clock was set back; then it begins anew.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', KEYS[1], 'run_id', 'opens_at')
local opens_at = tonumber(seen[2]) or 0
if seen[1] ~= run_id or opens_at > now + ARGV[1] then
  opens_at = now + ARGV[1]
  redis.call('HSET', KEYS[1], 'run_id', run_id, 'opens_at', string.format('%.0f', opens_at))
end
