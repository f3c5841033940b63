import { describe, expect, test } from 'vitest'
import type { Strategy } from '../../src/data/tables/upstreams.ts'
import { eligible, UNTROUBLED } from '../../src/gateway/routing/eligible.ts'
import { ordered } from '../../src/gateway/routing/strategies.ts'
import type { Configured } from '../../src/gateway/routing/upstreams.ts'
import { question, upstream } from './places.ts'

const SESSIONS = 20_000

interface Standing {
  underWay?: Record<string, number>
  room?: Record<string, number>
}

/** Ids in the order in which a session's call tries them. */
function order(
  all: readonly Configured[],
  strategy: Strategy,
  session: string,
  standing: Standing = {},
): string[] {
  const { room = {}, underWay = {} } = standing
  const looks = {
    ...UNTROUBLED,
    headroom: ({ upstream: { id } }: { upstream: { id: string } }) => ({ room: room[id] ?? 1, wait: 0 }),
  }
  const { fit } = eligible(all, question(), looks)
  const wish = { strategy, seed: session, underWay: new Map(Object.entries(underWay)) }
  return ordered(fit, wish).map(({ configured }) => configured.id)
}

/** How many of many sessions begin at each. */
function shares(all: readonly Configured[], strategy: Strategy, standing?: Standing): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(all.map(({ id }) => [id, 0]))
  for (let session = 0; session < SESSIONS; session++) {
    const [first = ''] = order(all, strategy, `session ${session}`, standing)
    counts[first] = (counts[first] ?? 0) + 1
  }
  return counts
}

/** Six standard deviations of a fair draw: one run in a thousand million is beyond it. */
function expectShare(count: number, share: number) {
  const spread = 6 * Math.sqrt(SESSIONS * share * (1 - share))
  expect(Math.abs(count - SESSIONS * share)).toBeLessThan(spread)
}

const weighing = (...weights: number[]) => weights.map((weight, index) => upstream(`w${index}`, { weight }))

describe.each(['weighted', 'sticky'] as const)('%s', (strategy) => {
  test('gives each upstream new sessions by its weight', () => {
    const counts = shares(weighing(1, 2, 5), strategy)
    console.log(`${strategy}, weights 1:2:5: ${Object.values(counts).join(', ')} of ${SESSIONS} sessions`)
    expectShare(counts['upstream_w0'] ?? 0, 1 / 8)
    expectShare(counts['upstream_w1'] ?? 0, 2 / 8)
    expectShare(counts['upstream_w2'] ?? 0, 5 / 8)
  })

  test('gives a session nothing where the weight is 0, unless there is nothing else', () => {
    expect(shares(weighing(0, 1), strategy)).toEqual({ upstream_w0: 0, upstream_w1: SESSIONS })
    expect(order(weighing(0, 1), strategy, 'a').at(-1)).toBe('upstream_w0')
    expect(order(weighing(0), strategy, 'a')).toEqual(['upstream_w0'])
    expectShare(shares(weighing(0, 0), strategy)['upstream_w0'] ?? 0, 1 / 2)
  })

  test('says the same of a session each time, in every process', () => {
    const all = weighing(1, 1, 1, 1)
    for (let session = 0; session < 100; session++)
      expect(order(all, strategy, `s${session}`)).toEqual(order([...all].reverse(), strategy, `s${session}`))
  })

  test('moves only the sessions of an upstream that goes, each to the next of its own order, and spreads them', () => {
    const all = weighing(1, 1, 1, 1)
    const moved: Record<string, number> = {}
    for (let session = 0; session < SESSIONS; session++) {
      const before = order(all, strategy, `s${session}`)
      const after = order(all.slice(1), strategy, `s${session}`)
      expect(after).toEqual(before.filter((id) => id !== 'upstream_w0'))
      if (before[0] === 'upstream_w0') moved[after[0] ?? ''] = (moved[after[0] ?? ''] ?? 0) + 1
    }
    expect(Object.keys(moved)).toHaveLength(3)
    for (const count of Object.values(moved)) expect(count).toBeGreaterThan(SESSIONS / 4 / 3 / 1.3)
  })
})

test('sticky gives an account with half its room left half as many new sessions, and does not mind a little more or less', () => {
  const all = weighing(1, 1)
  const counts = shares(all, 'sticky', { room: { upstream_w0: 0.5 } })
  expectShare(counts['upstream_w0'] ?? 0, 1 / 3)
  expect(shares(all, 'sticky', { room: { upstream_w0: 0.45 } })).toEqual(counts)
})

describe('priority', () => {
  const all = [
    upstream('spare', { priority: 2 }),
    upstream('second', { priority: 1, weight: 3 }),
    upstream('first', { priority: 1, weight: 1 }),
  ]

  test('goes by the number, then by weight', () => {
    const counts = shares(all, 'priority')
    expect(counts['upstream_spare']).toBe(0)
    expectShare(counts['upstream_first'] ?? 0, 1 / 4)
    expect(order(all, 'priority', 'a').at(-1)).toBe('upstream_spare')
  })
})

describe('least loaded', () => {
  const all = weighing(1, 1)

  test('goes where fewer calls are under way, for its weight', () => {
    expect(order(all, 'least_loaded', 'a', { underWay: { upstream_w0: 3, upstream_w1: 2 } })[0]).toBe(
      'upstream_w1',
    )
    const wide = weighing(4, 1)
    expect(order(wide, 'least_loaded', 'a', { underWay: { upstream_w0: 3, upstream_w1: 1 } })[0]).toBe(
      'upstream_w0',
    )
  })

  test('goes where there is room', () => {
    expect(order(all, 'least_loaded', 'a', { room: { upstream_w0: 0.2, upstream_w1: 0.9 } })[0]).toBe(
      'upstream_w1',
    )
  })

  test('keeps calls under way level, whatever they take', () => {
    const underWay: Record<string, number> = {}
    const three = weighing(1, 1, 2)
    for (let call = 0; call < 4_000; call++) {
      const [first = ''] = order(three, 'least_loaded', `${call}`, { underWay })
      underWay[first] = (underWay[first] ?? 0) + 1
    }
    expect(underWay).toEqual({ upstream_w0: 1_000, upstream_w1: 1_000, upstream_w2: 2_000 })
  })
})
