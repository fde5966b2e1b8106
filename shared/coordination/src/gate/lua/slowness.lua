-- Stands before the scripts that ask for a gate's pace.
--
-- A gate that was closed keeps its lower pace for the time `calm`, and regains a quarter of the full pace in each such
-- time after it. `slowness` is how many times longer than allowed the time between two grants was at `slowed_at`;
-- the answer is what it is now.
local function slowness_now(slowness, slowed_at, calm)
  slowness = tonumber(slowness) or 1
  local calm_for = now - (tonumber(slowed_at) or 0) - calm
  if slowness <= 1 or calm_for <= 0 then
    return slowness
  end
  return math.max(1, 1 / (1 / slowness + 0.25 * calm_for / calm))
end
