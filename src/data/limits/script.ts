/** The only Lua: what a Redis does with the buckets of one call, all at once. The same arithmetic as in memory.ts. */
import { ROUNDING } from '../limits.ts'

/**
 * KEYS: the buckets, of one hash slot. ARGV: the time in milliseconds, empty for the server's own; `take` or `settle`;
 * then for each key its cap, the milliseconds in which it fills, and what is added to what is used of it. Answers with 1
 * where that was done, else 0, and with what is used of each, as text: numbers would be cut to integers.
 *
 * The server's clock: those of replicas differ. A bucket is one string, `used at`, which expires when it is full again.
 */
export const SCRIPT = `
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + math.floor(time[2] / 1000)
local used, granted = {}, 1
for i, key in ipairs(KEYS) do
  local cap, per, amount = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local level, at = string.match(redis.call('GET', key) or '', '(%S+) (%S+)')
  used[i] = level and math.max(0, tonumber(level) - math.abs(now - tonumber(at)) * cap / per) or 0
  if ARGV[2] == 'take' and used[i] + amount > cap + ${ROUNDING} then granted = 0 end
end
local reply = {granted}
for i, key in ipairs(KEYS) do
  if granted == 1 then
    local cap, per, amount = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
    used[i] = math.max(0, used[i] + amount)
    if used[i] == 0 then
      redis.call('DEL', key)
    else
      redis.call('SET', key, string.format('%.17g %.17g', used[i], now), 'PX', math.ceil(used[i] * per / cap))
    end
  end
  reply[i + 1] = string.format('%.17g', used[i])
end
return reply
`.trim()

/** By which EVALSHA knows it. */
export async function digestOf(script: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
