/**
 * The only Lua: what a Redis does with all limits of one call, at once. The same arithmetic as in buckets.ts and
 * accounts.ts.
 *
 * KEYS: first the names that live, a sorted set of when they die; then the limits, all of one hash slot. ARGV: first the
 * time in milliseconds, empty for the server's own, since those of replicas differ. Figures go out as text: numbers would
 * be cut to integers; `%.17g` keeps integers exact up to 2^53, nine million dollars in nano-dollars.
 *
 * A bucket is one string, `used at`, which expires when it is full again. An account is a hash: `spent`, `until`, and
 * what each name holds; what is held under a name that lives no longer is dropped by whoever comes across it.
 */
import { ROUNDING, SHORTEST } from '../limits.ts'

const PRELUDE = `
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + math.floor(time[2] / 1000)
local alive = KEYS[1]

local function text(figure)
  return string.format('%.17g', figure)
end

local function bucket(key, cap, per)
  local level, at = string.match(redis.call('GET', key) or '', '(%S+) (%S+)')
  return level and math.max(0, tonumber(level) - math.abs(now - tonumber(at)) * cap / per) or 0
end

local function fill(key, cap, per, used)
  used = math.max(0, used)
  if used == 0 then
    redis.call('DEL', key)
  else
    redis.call('SET', key, text(used) .. ' ' .. text(now), 'PX', math.ceil(used * per / cap))
  end
  return used
end

local known = {}
local function lives(name)
  if known[name] == nil then
    local dies = redis.call('ZSCORE', alive, name)
    known[name] = dies and tonumber(dies) > now or false
  end
  return known[name]
end

local function account(key, holder)
  local kept, fields = {held = 0, own = 0}, redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name, figure = fields[i], tonumber(fields[i + 1])
    if name == 'spent' or name == 'until' then
      kept[name] = figure
    elseif lives(name) then
      kept.held = kept.held + figure
      if name == holder then kept.own = figure end
    else
      redis.call('HDEL', key, name)
    end
  end
  if kept['until'] and kept['until'] > now then return kept end
  if #fields > 0 then redis.call('DEL', key) end
end

local function raise(key, kept, floor, late)
  late = math.max(late, now + ${SHORTEST})
  if kept and kept.spent >= floor and kept['until'] >= late then return kept end
  kept = kept or {held = 0, own = 0, spent = floor, ['until'] = late}
  kept.spent, kept['until'] = math.max(kept.spent, floor), math.max(kept['until'], late)
  redis.call('HSET', key, 'spent', text(kept.spent), 'until', text(kept['until']))
  redis.call('PEXPIRE', key, text(math.ceil(kept['until'] - now)))
  return kept
end

local function hold(key, holder, amount)
  if amount > 0 then
    redis.call('HSET', key, holder, text(amount))
  else
    redis.call('HDEL', key, holder)
  end
end

local function renew(names, first, liveness)
  for i = first, #names do redis.call('ZADD', alive, text(now + liveness), names[i]) end
  redis.call('ZREMRANGEBYSCORE', alive, '-inf', text(now))
  if redis.call('PTTL', alive) < liveness then redis.call('PEXPIRE', alive, text(liveness)) end
end
`

/**
 * ARGV: who holds, empty where nothing is to be held, and for how long he lives; then for each limit `rate`, its cap, the
 * milliseconds in which it fills, what it takes, and nothing; or `hold`, its cap or nothing, when it is over, what it
 * sets aside, its floor or nothing. Answers with 1 where all was taken, else 0; then for each what is used, 0, 0; or
 * what is spent, what is held, and what was set aside, or -1 for an account that is not known.
 */
const TAKE = `
local holder, granted, seen = ARGV[2], 1, {}
if holder ~= '' then renew({holder}, 1, tonumber(ARGV[3])) end
for i = 2, #KEYS do
  local key, at = KEYS[i], 5 * i - 6
  local want = {
    rate = ARGV[at] == 'rate', cap = tonumber(ARGV[at + 1]), per = tonumber(ARGV[at + 2]),
    cost = tonumber(ARGV[at + 3]), floor = tonumber(ARGV[at + 4]),
  }
  seen[i] = want
  if want.rate then
    want.used = bucket(key, want.cap, want.per)
    if want.used + want.cost > want.cap + ${ROUNDING} then granted = 0 end
  else
    want.kept = account(key, holder)
    if want.floor then want.kept = raise(key, want.kept, want.floor, want.per) end
    local kept = want.kept
    if not kept or want.cap and kept.spent + kept.held >= want.cap then granted = 0 end
  end
end
local reply = {granted}
for i = 2, #KEYS do
  local key, want = KEYS[i], seen[i]
  local kept, aside = want.kept, 0
  if granted == 1 and want.rate then
    want.used = fill(key, want.cap, want.per, want.used + want.cost)
  elseif granted == 1 then
    kept = raise(key, kept, want.floor or 0, want.per)
    aside = want.cap and math.min(want.cost, want.cap - kept.spent - kept.held) or want.cost
    if aside > 0 then hold(key, holder, kept.own + aside) end
    kept.held = kept.held + aside
  end
  if want.rate then
    table.insert(reply, text(want.used) .. ' 0 0')
  else
    table.insert(reply, kept and text(kept.spent) .. ' ' .. text(kept.held) .. ' ' .. text(aside) or '0 0 -1')
  end
end
return reply
`

/**
 * ARGV: who held; then for each limit `rate`, its cap, the milliseconds in which it fills, what is added to what is used,
 * and nothing; or `hold`, nothing, nothing, what it has cost, and what was set aside.
 */
const SETTLE = `
local holder = ARGV[2]
for i = 2, #KEYS do
  local key, at = KEYS[i], 5 * i - 7
  local cap, per, cost, aside = unpack(ARGV, at + 1, at + 4)
  if ARGV[at] == 'rate' then
    fill(key, cap, per, bucket(key, cap, per) + cost)
  else
    local late, spent, own = unpack(redis.call('HMGET', key, 'until', 'spent', holder))
    if late and tonumber(late) > now then
      redis.call('HSET', key, 'spent', text(spent + cost))
      hold(key, holder, (own or 0) - aside)
    end
  end
end
return {1}
`

/** ARGV: `begin`, or nothing where accounts that are not known stay so; then for each its floor, and when it is over. */
const RAISE = `
for i = 2, #KEYS do
  local kept = account(KEYS[i])
  if kept or ARGV[2] == 'begin' then raise(KEYS[i], kept, tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])) end
end
return {1}
`

/** ARGV: for how long they live; then the names. */
const RENEW = `
renew(ARGV, 3, tonumber(ARGV[2]))
return {1}
`

export const SCRIPTS = {
  take: (PRELUDE + TAKE).trim(),
  settle: (PRELUDE + SETTLE).trim(),
  raise: (PRELUDE + RAISE).trim(),
  renew: (PRELUDE + RENEW).trim(),
}

/** By which EVALSHA knows it. */
export async function digestOf(script: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
