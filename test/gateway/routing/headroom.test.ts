/** The room that accounts have for calls, as one process believes it, waits for it and shares it. */
import { expect, test } from 'vitest'
import { memoryLimits } from '../../../src/data/limits/memory.ts'
import type { Limits } from '../../../src/data/limits.ts'
import { type Headroom, isBackground, newHeadroom } from '../../../src/gateway/routing/headroom.ts'
import type { Call, Usage } from '../../../src/protocol/messages.ts'
import { callOf } from '../../providers/call.ts'
import { place, quiet, quoted, stage } from './routes.ts'

const MILLION = 1_000_000
/** Four hundred thousand tokens at the start, as the length of this body is understood before anything is known. */
const big = (headers: Record<string, string> = {}) => callFor(300_000, headers)
const SPENT: Usage = { input: 1_000, cacheRead: 290_000, cacheWrite5m: 9_000, cacheWrite1h: 0, output: 1_000 }

async function callFor(inputTokens: number, headers: Record<string, string> = {}): Promise<Call> {
  const [head, tail] = [
    '{"model":"claude-opus-5-5","max_tokens":100000,"messages":[],"tools":[{}],"x":"',
    '"}',
  ]
  const length = Math.floor(inputTokens * 3.5)
  return callOf(`${head}${'.'.repeat(length - head.length - tail.length)}${tail}`, { headers })
}

function roomIn(headroom: Headroom, route = quoted(MILLION)) {
  return (call: Call, now: number) => headroom.look(route, headroom.expect(call), now)
}

test('where nothing is known, nothing is in the way', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  for (let times = 0; times < 20; times++) {
    expect(headroom.look(place(), headroom.expect(call), lent.now())).toEqual({ room: 1, wait: 0 })
    expect(headroom.reserve(lent, place(), call).ready).toBeUndefined()
  }
})

test('a quota is room for what calls take at their start, and they give back what they did not need', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  const look = roomIn(headroom)
  expect(look(call, lent.now()).room).toBeCloseTo(0.6)
  const first = headroom.reserve(lent, quoted(MILLION), call)
  const second = headroom.reserve(lent, quoted(MILLION), call)
  expect([first.wait, second.wait]).toEqual([0, 0])
  expect(look(call, lent.now())).toEqual({ room: 0, wait: expect.any(Number) })
  expect(look(call, lent.now()).wait).toBeGreaterThan(0)
  first.settle(SPENT)
  second.settle(SPENT)
  const [stand] = headroom.stands(lent.now())
  expect(stand).toMatchObject({ capacity: MILLION, used: 40_000, underWay: 0, waiting: 0 })
})

test('what is used comes back evenly in a minute', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call)
  await lent.pass(12_000)
  expect(headroom.stands(lent.now())[0]?.used).toBeCloseTo(200_000, -1)
})

test('a call that does not fit waits, and goes as soon as another one gives back', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  const first = headroom.reserve(lent, quoted(MILLION), call)
  headroom.reserve(lent, quoted(MILLION), call)
  const third = headroom.reserve(lent, quoted(MILLION), call)
  const gone = heard(third.ready)
  expect(third.wait).toBeGreaterThan(0)
  await lent.pass(1_000)
  expect(gone()).toBe(false)
  first.settle(SPENT)
  await quiet()
  expect(gone()).toBe(true)
  expect(lent.clock.now).toBe(stage().now() + 1_000)
  const [stand] = headroom.stands(lent.now())
  expect(stand?.minutes[0]).toMatchObject({ calls: 3, held: 1, heldMs: 1_000 })
})

test('a call that nobody makes way for goes when enough has come back', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call)
  headroom.reserve(lent, quoted(MILLION), call)
  const gone = heard(headroom.reserve(lent, quoted(MILLION), call).ready)
  await lent.pass(11_500)
  expect(gone()).toBe(false)
  await lent.pass(1_000)
  expect(gone()).toBe(true)
})

test('a place that is given up is nobody’s: those behind it go', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call, 'ada')
  headroom.reserve(lent, quoted(MILLION), call, 'bob')
  const third = headroom.reserve(lent, quoted(MILLION), call, 'cy')
  await lent.pass(10)
  const small = heard(headroom.reserve(lent, quoted(MILLION), await callFor(50_000), 'dan').ready)
  await quiet()
  expect(small()).toBe(false) // it would fit, but is not before those that came first
  third.settle(undefined)
  await quiet()
  expect(small()).toBe(true)
  expect(headroom.stands(lent.now())[0]?.waiting).toBe(0)
})

test('what is settled twice counts once', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call)
  const seat = headroom.reserve(lent, quoted(MILLION), call)
  seat.settle(SPENT)
  seat.settle(undefined)
  seat.throttled()
  expect(headroom.stands(lent.now())[0]?.used).toBe(420_000)
})

test('work in the background leaves the last of a bucket to main threads', async () => {
  const [headroom, lent] = [newHeadroom(), stage()]
  const call = await callFor(350_000)
  headroom.reserve(lent, quoted(MILLION), call)
  const agent = headroom.reserve(
    lent,
    quoted(MILLION),
    await callFor(350_000, { 'x-claude-code-agent-id': 'agent_1' }),
  )
  expect(agent.ready).toBeDefined()
  agent.settle(undefined)
  expect(headroom.reserve(lent, quoted(MILLION), call).ready).toBeUndefined()
})

test('a waiting main thread goes before subagents that have waited already', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  const agents = await big({ 'x-claude-code-agent-id': 'agent_1' })
  const first = headroom.reserve(lent, quoted(MILLION), call, 'ada')
  headroom.reserve(lent, quoted(MILLION), call, 'bob')
  const agent = heard(headroom.reserve(lent, quoted(MILLION), agents, 'cy').ready)
  await lent.pass(1_000)
  const main = heard(headroom.reserve(lent, quoted(MILLION), call, 'dan').ready)
  first.settle(SPENT)
  await quiet()
  expect([agent(), main()]).toEqual([false, true])
})

test('without a quota, a throttle teaches that there is no more than was used in the last minute', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  const seats = Array.from({ length: 3 }, () => headroom.reserve(lent, place(), call))
  await lent.pass(500)
  seats[2]?.throttled()
  const capacity = headroom.stands(lent.now())[0]?.capacity ?? 0
  expect(capacity).toBe(800_000)
  const next = headroom.reserve(lent, place(), call)
  expect(next.wait).toBeGreaterThan(0)
  next.settle(undefined)
})

test('throttles of calls that left together are one lesson; each further one takes a fifth', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  const seats = Array.from({ length: 4 }, () => headroom.reserve(lent, place(), call))
  for (const seat of seats.slice(1)) seat.throttled()
  const learned = headroom.stands(lent.now())[0]?.capacity ?? 0
  expect(learned).toBe(1_200_000)
  await lent.pass(30_000)
  const later = headroom.reserve(lent, place(), call)
  await later.ready
  later.throttled()
  expect(headroom.stands(lent.now())[0]?.capacity).toBeLessThan(learned * 0.9)
})

test('what was learned grows by a tenth a minute while nothing is refused', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, place(), call)
  headroom.reserve(lent, place(), call).throttled()
  const before = headroom.stands(lent.now())[0]?.capacity ?? 0
  await lent.pass(120_000)
  expect((headroom.stands(lent.now())[0]?.capacity ?? 0) / before).toBeCloseTo(1.21)
})

test('a quota is believed less when it is throttled nevertheless, and in time again', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call).throttled()
  expect(headroom.stands(lent.now())[0]?.capacity).toBeCloseTo(900_000)
  expect(roomIn(headroom)(call, lent.now()).wait).toBeGreaterThan(0) // somebody else has used the rest
  await lent.pass(300_000)
  expect(headroom.stands(lent.now())[0]?.capacity).toBeCloseTo(MILLION)
})

test('nothing is sent before the time that AWS names', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await callFor(1_000)]
  headroom.reserve(lent, place(), call).throttled(20_000)
  expect(headroom.look(place(), headroom.expect(call), lent.now()).wait).toBeGreaterThanOrEqual(20_000)
  const gone = heard(headroom.reserve(lent, place(), call).ready)
  await lent.pass(19_000)
  expect(gone()).toBe(false)
  await lent.pass(2_000)
  expect(gone()).toBe(true)
})

test('a day that is used up closes the bucket for a while, longer each time, and leaves the quota a minute as it is', async () => {
  const [headroom, lent, call] = [newHeadroom(), stage(), await big()]
  headroom.reserve(lent, quoted(MILLION), call).throttled(undefined, 'day')
  const [stand] = headroom.stands(lent.now())
  expect(stand).toMatchObject({ capacity: MILLION, closedFor: 900_000 })
  await lent.pass(900_000)
  headroom.reserve(lent, quoted(MILLION), call).throttled(undefined, 'day')
  expect(headroom.stands(lent.now())[0]?.closedFor).toBe(1_800_000)
})

test('two replicas that share a store find out about each other when it gets tight', async () => {
  const clock = { now: 0 }
  const store = later(memoryLimits(() => clock.now))
  const lents = [stage(store, clock), stage(store, clock)] as const
  const [one, other, call] = [newHeadroom(), newHeadroom(), await big()]
  expect(one.reserve(lents[0], quoted(MILLION), call).ready).toBeUndefined()
  await quiet()
  const second = one.reserve(lents[0], quoted(MILLION), call)
  await second.ready // tight here: the store is asked, and has room
  const theirs = other.reserve(lents[1], quoted(MILLION), call)
  await quiet()
  // It was sent on what was known over there; what the store says is known from now on.
  expect(theirs.ready).toBeUndefined()
  expect(roomIn(other)(call, clock.now).wait).toBeGreaterThan(0)
  const gone = heard(other.reserve(lents[1], quoted(MILLION), call).ready)
  await lents[1].pass(2_000)
  expect(gone()).toBe(false)
  second.settle(SPENT)
  theirs.settle(SPENT)
  await lents[1].pass(14_000)
  expect(gone()).toBe(true)
})

test('a place that is given up while the store is asked takes nothing of it', async () => {
  const clock = { now: 0 }
  const kept = memoryLimits(() => clock.now)
  const lent = stage(later(kept), clock)
  const [headroom, call] = [newHeadroom(), await big()]
  headroom.reserve(lent, quoted(MILLION), call)
  const second = headroom.reserve(lent, quoted(MILLION), call)
  expect(second.ready).toBeDefined()
  second.settle(undefined)
  await quiet()
  const [stand] = headroom.stands(lent.now())
  expect(stand?.used).toBe(400_000)
  const probe = { kind: 'rate' as const, cap: MILLION + 1, per: 60_000, cost: 0 }
  const { standings } = kept.take([{ ...probe, name: `headroom:${stand?.name}` }])
  expect(standings).toEqual([{ used: 400_000 }])
})

test('a store that fails keeps nobody waiting', async () => {
  const limits: Limits = { take: () => Promise.reject(new Error('away')), raise() {} }
  const lent = stage(limits)
  const [headroom, call] = [newHeadroom(), await big()]
  headroom.reserve(lent, quoted(MILLION), call)
  const gone = heard(headroom.reserve(lent, quoted(MILLION), call).ready)
  await quiet()
  expect(gone()).toBe(true)
})

test('how long calls are in tokens is learned from their session', async () => {
  const [headroom, lent] = [newHeadroom(), stage()]
  const call = await callFor(10_000, { 'x-claude-code-session-id': 's1' })
  expect(headroom.expect(call)).toMatchObject({ input: 10_000, maxTokens: 100_000 })
  headroom.reserve(lent, place(), call).settle({ ...SPENT, input: 0, cacheRead: 15_000, cacheWrite5m: 5_000 })
  expect(headroom.expect(call)).toMatchObject({ input: 20_000, cacheRead: 15_000, output: 1_000 })
})

test('subagents and the small calls beside a conversation are background; what carries tools is not', async () => {
  const session = { 'x-claude-code-session-id': 's1' }
  const small = { model: 'm', max_tokens: 1, messages: [] }
  expect(isBackground(await callOf(small, { headers: session }))).toBe(true)
  expect(isBackground(await callOf({ ...small, tools: [{ name: 'Read' }] }, { headers: session }))).toBe(
    false,
  )
  expect(isBackground(await callOf(small))).toBe(false) // somebody's own program
  expect(isBackground(await big({ ...session, 'x-claude-code-agent-id': 'a' }))).toBe(true)
})

/** Whether a promise has come by the time one asks. */
function heard(promise: Promise<void> | undefined): () => boolean {
  let has = promise === undefined
  void promise?.then(() => {
    has = true
  })
  return () => has
}

/** A store that one has to wait for. */
function later(limits: ReturnType<typeof memoryLimits>): Limits {
  return {
    async take(wants) {
      await Promise.resolve()
      const taken = limits.take(wants)
      if (!taken.granted) return taken
      return { ...taken, settle: async (costs) => void taken.settle(costs) }
    },
    raise: async (floors) => limits.raise(floors),
  }
}
