/**
 * The only Lua: what a Redis does with all limits of a call, at once. The same arithmetic as in buckets.ts and
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
  for i = first, #names do
    redis.call('ZADD', alive, text(now + liveness), names[i])
    known[names[i]] = true
  end
  redis.call('ZREMRANGEBYSCORE', alive, '-inf', text(now))
  if redis.call('PTTL', alive) < liveness then redis.call('PEXPIRE', alive, text(liveness)) end
end
`

/**
 * Any number of errands, in their order. ARGV: for how long names live; then for each errand a line of words, `-` for
 * none: `take` or `settle`, who holds, and five for each of its limits, which are the next ones of KEYS.
 *
 * `take`: `rate`, its cap, the milliseconds in which it fills, what it takes, and `-`; or `hold`, its cap or none, when
 * it is over, what it sets aside, its floor or none. Says 1 where all was taken, else 0; then for each what is used, 0,
 * 0; or what is spent, what is held, and what was set aside, or -1 for an account that is not known.
 *
 * `settle`: `rate`, its cap, the milliseconds, what is added to what is used, and `-`; or `hold`, `-`, `-`, what it has
 * cost, and what was set aside. Says 1.
 */
const WORK = `
local function take(holder, wants)
  local granted = 1
  if holder then renew({holder}, 1, tonumber(ARGV[2])) end
  for _, want in ipairs(wants) do
    if want.rate then
      want.used = bucket(want.key, want.cap, want.per)
      if want.used + want.cost > want.cap + ${ROUNDING} then granted = 0 end
    else
      local kept = account(want.key, holder)
      if want.more then kept = raise(want.key, kept, want.more, want.per) end
      if not kept or want.cap and kept.spent + kept.held >= want.cap then granted = 0 end
      want.kept = kept
    end
  end
  local told = {granted}
  for _, want in ipairs(wants) do
    local kept, aside = want.kept, 0
    if granted == 1 and want.rate then
      want.used = fill(want.key, want.cap, want.per, want.used + want.cost)
    elseif granted == 1 then
      kept = raise(want.key, kept, want.more or 0, want.per)
      aside = want.cap and math.min(want.cost, want.cap - kept.spent - kept.held) or want.cost
      if aside > 0 then hold(want.key, holder, kept.own + aside) end
      kept.held = kept.held + aside
    end
    if want.rate then
      told[#told + 1] = text(want.used) .. ' 0 0'
    else
      told[#told + 1] = kept and text(kept.spent) .. ' ' .. text(kept.held) .. ' ' .. text(aside) or '0 0 -1'
    end
  end
  return table.concat(told, ' ')
end

local function settle(holder, costs)
  for _, one in ipairs(costs) do
    if one.rate then
      fill(one.key, one.cap, one.per, bucket(one.key, one.cap, one.per) + one.cost)
    else
      local late, spent, own = unpack(redis.call('HMGET', one.key, 'until', 'spent', holder or ''))
      if late and tonumber(late) > now then
        redis.call('HSET', one.key, 'spent', text(spent + one.cost))
        if holder then hold(one.key, holder, (own or 0) - one.more) end
      end
    end
  end
  return '1'
end

local replies, key = {}, 2
for i = 3, #ARGV do
  local words, limits = {}, {}
  for word in string.gmatch(ARGV[i], '%S+') do words[#words + 1] = word end
  for at = 3, #words, 5 do
    limits[#limits + 1] = {
      key = KEYS[key], rate = words[at] == 'rate', cap = tonumber(words[at + 1]), per = tonumber(words[at + 2]),
      cost = tonumber(words[at + 3]), more = tonumber(words[at + 4]),
    }
    key = key + 1
  end
  local work = words[1] == 'take' and take or settle
  replies[#replies + 1] = work(words[2] ~= '-' and words[2], limits)
end
return replies
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
  work: (PRELUDE + WORK).trim(),
  raise: (PRELUDE + RAISE).trim(),
  renew: (PRELUDE + RENEW).trim(),
}

/** By which EVALSHA knows it. */
export async function digestOf(script: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
