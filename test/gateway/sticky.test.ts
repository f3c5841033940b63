/** Sessions stay with the upstream that has their cache: what keeps them there, and what moves them. */
import { describe, expect, test } from 'vitest'
import { followedBindings } from '../../src/data/bindings/followed.ts'
import { memoryBindings } from '../../src/data/bindings/memory.ts'
import { newStanding } from '../../src/data/limits/standing.ts'
import type { RoutingPolicy } from '../../src/data/tables/upstreams.ts'
import { served } from '../../src/gateway/routing/bindings.ts'
import type { Choice } from '../../src/gateway/routing/choice.ts'
import { choose } from '../../src/gateway/routing/choose.ts'
import { eligible, type Looks, UNTROUBLED } from '../../src/gateway/routing/eligible.ts'
import { type TestRuntime, testRuntime } from '../runtime.ts'
import { question, upstream } from './places.ts'

const FOUR = ['a', 'b', 'c', 'd'].map((id) => upstream(id))

interface Wish {
  session?: string | undefined
  agent?: string
  user?: string
  id?: string
  looks?: Partial<Looks>
  policy?: RoutingPolicy
  without?: string
}

async function chosen(runtime: TestRuntime, wish: Wish): Promise<Choice> {
  const { session, agent, user: userId = null, id = 'req_1', looks, policy, without } = wish
  const asked = question({}, policy)
  const all = FOUR.map((each) => ({ ...each, enabled: each.id !== without }))
  const judged = eligible(all, asked, { ...UNTROUBLED, ...looks })
  const principal = { userId, keyId: 'key_1' }
  const choice = await choose(
    runtime,
    { principal, call: { session, agent, id }, policy: asked.policy },
    judged,
  )
  if (!choice) throw new Error('nowhere')
  return choice
}

const firstOf = ({ routes: [{ upstream }] }: Choice) => upstream.id

/** A call that is served by the first of its routes, or by another. */
async function calls(runtime: TestRuntime, wish: Wish, by = 0): Promise<string> {
  const choice = await chosen(runtime, wish)
  const route = choice.routes[by] ?? choice.routes[0]
  served(runtime, choice, { route }, Promise.resolve({ status: 'succeeded' }))
  await runtime.settled()
  return route.upstream.id
}

const full = (...ids: string[]): Partial<Looks> => ({
  headroom: ({ upstream: { id } }) => (ids.includes(id) ? { room: 0, wait: 4_000 } : { room: 1, wait: 0 }),
})
const open = (...ids: string[]): Partial<Looks> => ({
  breaker: (id) => (ids.includes(id) ? { open: true, until: 9_000 } : { open: false }),
})

const session = 'a session'

test('a session stays where it was served, whatever that weighs by now', async () => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  const drained = FOUR.map((each) => (each.id === first ? { ...each, weight: 0 } : each))
  const asked = question()
  const judged = eligible(drained, asked, UNTROUBLED)
  const principal = { userId: null, keyId: 'key_1' }
  const call = { session, agent: undefined, id: 'req_2' }
  const choice = await choose(runtime, { principal, call, policy: asked.policy }, judged)
  expect(choice?.routes[0].upstream.id).toBe(first)
  expect(choice?.binding?.upstream).toBe(first)
})

test('it moves to whatever served it, and stays there when the first is back', async () => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  const second = await calls(runtime, { session, without: first })
  expect(second).not.toBe(first)
  expect(await calls(runtime, { session })).toBe(second)
})

test.each(['failed_midstream', 'cancelled'] as const)('a call that was %s moves nothing', async (status) => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  const choice = await chosen(runtime, { session })
  served(runtime, choice, { route: choice.routes[1] ?? choice.routes[0] }, Promise.resolve({ status }))
  await runtime.settled()
  expect(firstOf(await chosen(runtime, { session }))).toBe(first)
})

test('an answer of another model, from a route that was not chosen, binds nothing', async () => {
  const runtime = testRuntime()
  const choice = await chosen(runtime, { session })
  const route = { ...choice.routes[0], modelId: 'eu.anthropic.claude-haiku-4-5-20251001-v1:0' }
  served(runtime, choice, { route }, Promise.resolve({ status: 'succeeded' }))
  await runtime.settled()
  expect((await chosen(runtime, { session })).binding?.upstream).toBeUndefined()
})

test('what it is kept to is never brought back to life: an upstream that may not be used is not', async () => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  for (const policy of [
    { upstreams: ['upstream_a', 'upstream_b'].filter((id) => id !== first) },
    { geographies: ['us'] },
  ]) {
    const choice = await chosen(runtime, { session, policy }).catch(() => undefined)
    expect(choice?.routes.map(({ upstream }) => upstream.id) ?? []).not.toContain(first)
  }
})

test('where its upstream has no room it is still the first to be tried: what a move costs is weighed then', async () => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  const choice = await chosen(runtime, { session, looks: full(first) })
  expect(firstOf(choice)).toBe(first)
  expect(choice.routes).toHaveLength(4)
  expect(choice.despite).toEqual([{ upstream: first, reason: 'no_headroom', detail: 'room in 4 s' }])
})

test('the same where it is spared for having failed; for anybody else it comes last', async () => {
  const runtime = testRuntime()
  const first = await calls(runtime, { session })
  const choice = await chosen(runtime, { session, looks: open(first) })
  expect(firstOf(choice)).toBe(first)
  expect(choice.despite).toEqual([{ upstream: first, reason: 'breaker_open', detail: 'for 9 s' }])
  const others = await chosen(runtime, { session: 'another', looks: open(first) })
  expect(others.routes.map(({ upstream }) => upstream.id).indexOf(first)).toBe(3)
})

test('what is no good just now comes last: room, then breakers, the soonest first; what is not healthy is left out', async () => {
  const runtime = testRuntime()
  const looks: Partial<Looks> = {
    ...full('upstream_d'),
    health: ({ id }) => ({ healthy: id !== 'upstream_a' }),
    breaker: (id) => {
      const until = { upstream_b: 9_000, upstream_c: 5_000 }[id]
      return until === undefined ? { open: false } : { open: true, until }
    },
  }
  const { routes, despite, leftOut } = await chosen(runtime, { session, looks })
  expect(routes.map(({ upstream }) => upstream.id)).toEqual(['upstream_d', 'upstream_c', 'upstream_b'])
  expect(despite?.map(({ reason }) => reason)).toEqual(['breaker_open', 'breaker_open', 'no_headroom'])
  expect(leftOut).toEqual([{ upstream: 'upstream_a', reason: 'unhealthy', detail: undefined }])
})

test('where none is healthy they are tried all the same', async () => {
  const choice = await chosen(testRuntime(), { session, looks: { health: () => ({ healthy: false }) } })
  expect(choice.routes).toHaveLength(4)
  expect(choice.despite?.map(({ reason }) => reason)).toEqual(Array(4).fill('unhealthy'))
  expect(choice.leftOut).toEqual([])
})

describe('a subagent', () => {
  test('goes where its session is', async () => {
    const runtime = testRuntime()
    const main = await calls(runtime, { session })
    for (let agent = 0; agent < 20; agent++)
      expect(await calls(runtime, { session, agent: `agent ${agent}` })).toBe(main)
  })

  test('goes elsewhere where there is no room, several of them to several places, and stays there; the main thread stays', async () => {
    const runtime = testRuntime()
    const main = await calls(runtime, { session })
    const places = new Map<string, string>()
    for (let agent = 0; agent < 30; agent++)
      places.set(
        `agent ${agent}`,
        await calls(runtime, { session, agent: `agent ${agent}`, looks: full(main) }),
      )
    expect(new Set(places.values()).size).toBe(3)
    expect([...places.values()]).not.toContain(main)
    for (const [agent, place] of places) expect(await calls(runtime, { session, agent })).toBe(place)
    expect(await calls(runtime, { session, looks: full(main) })).toBe(main)
  })
})

describe('without a session', () => {
  test('all that a user does stays together; under other strategies each call is for itself', async () => {
    const runtime = testRuntime()
    const ids = Array.from({ length: 40 }, (_, index) => `req_${index}`)
    const places = async (policy: RoutingPolicy, user: string) => {
      const all = []
      for (const id of ids) all.push(await calls(runtime, { session: undefined, user, id, policy }))
      return new Set(all).size
    }
    expect(await places({}, 'user_1')).toBe(1)
    expect(await places({ strategy: 'weighted' }, 'user_1')).toBe(4)
    const users = await Promise.all(ids.map((user) => calls(runtime, { session: undefined, user })))
    expect(new Set(users).size).toBe(4)
  })

  test('nobody moves the sessions of another by their names', async () => {
    const runtime = testRuntime()
    const theirs = await calls(runtime, { session, user: 'user_1' })
    await calls(runtime, { session, user: 'user_2' }, 3)
    expect(firstOf(await chosen(runtime, { session, user: 'user_1' }))).toBe(theirs)
  })
})

describe('what it costs', () => {
  function counting() {
    const asked = { find: 0, keep: 0 }
    const runtime = testRuntime()
    const shared = {
      async find(names: readonly string[]) {
        asked.find++
        return names.map(() => undefined)
      },
      async keep(_: string, { to }: { to: string }) {
        asked.keep++
        return to
      },
    }
    const { log, metrics, now } = runtime
    const options = {
      shared,
      local: memoryBindings(now),
      standing: newStanding(),
      probeIfDue() {},
      log,
      metrics,
      now,
    }
    return { asked, runtime: Object.assign(runtime, { bindings: followedBindings(options) }) }
  }

  test('one round trip for the first call of a session, and none for those that follow', async () => {
    const { asked, runtime } = counting()
    for (let call = 0; call < 30; call++) {
      await calls(runtime, { session })
      runtime.clock.now += 2_000
    }
    expect(asked.find).toBe(1)
    expect(asked.keep, 'beside the requests').toBeLessThanOrEqual(11)
  })

  test('none where there is but one upstream, nor under strategies that keep nothing', async () => {
    const { asked, runtime } = counting()
    const others = { upstreams: ['upstream_a'] }
    expect(await chosen(runtime, { session, policy: others })).toMatchObject({
      strategy: 'only',
      binding: undefined,
    })
    for (const strategy of ['priority', 'weighted', 'least_loaded'] as const)
      await calls(runtime, { session, policy: { strategy } })
    expect(asked).toEqual({ find: 0, keep: 0 })
  })
})
