/** Waiting or going: by what either costs. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { priceBook } from '../../../src/gateway/prices/book.ts'
import { ranBy } from '../../../src/gateway/prices.ts'
import { newWarmths } from '../../../src/gateway/routing/warmth.ts'
import { MINUTE, rewriting, type Weighing, weigh, worthWaiting } from '../../../src/gateway/routing/weigh.ts'
import { NO_USAGE } from '../../../src/protocol/messages.ts'
import type { Route } from '../../../src/providers/provider.ts'
import { routeTo } from '../../providers/call.ts'

const prices = priceBook([])
const here = await routeTo('claude-opus-5-5')
const elsewhere = (more: Partial<Route> = {}): Route => ({
  ...here,
  upstream: { ...here.upstream, id: 'other' },
  ...more,
})
const at = Date.UTC(2026, 10, 20)
const DOLLAR = 1_000_000_000

describe('the price of going elsewhere', () => {
  test('is what it costs to write the cache there, less what it costs to read it here', () => {
    const left = { tokens: 150_000, isLong: false }
    const nano = rewriting(prices, { from: here, to: elsewhere(), left, there: undefined, at })
    // Opus 5.5 in a geography: 5.50 dollars a million tokens to write, 0.22 to read.
    expect(nano).toBe((150_000 * (5.5 - 0.22) * DOLLAR) / 1_000_000)
  })

  test('is higher for a cache that lasts for an hour, and nothing where it is there as well', () => {
    const left = { tokens: 150_000, isLong: true }
    const hour = rewriting(prices, { from: here, to: elsewhere(), left, there: undefined, at })
    expect(hour).toBe((150_000 * (8.8 - 0.22) * DOLLAR) / 1_000_000)
    expect(rewriting(prices, { from: here, to: elsewhere(), left, there: left, at })).toBe(0)
  })

  test('of a model without a price is as much as one of its family may cost', () => {
    const unknown = elsewhere({ model: undefined, modelId: 'arn:aws:bedrock:us-east-1:1:x/claude-opus-9' })
    const left = { tokens: 1_000, isLong: false }
    const most = prices.ceiling({ ...NO_USAGE, cacheWrite5m: 1_000 }, ranBy(unknown), at)
    expect(most).toBeGreaterThan(0)
    expect(rewriting(prices, { from: here, to: unknown, left, there: undefined, at })).toBeGreaterThan(0)
  })
})

describe('what is weighed', () => {
  const long = { rewriteNano: 0.79 * DOLLAR, waitedMs: 0, patienceMs: 60_000, minuteNano: MINUTE.developer }

  test('a long conversation waits half a minute for its cache, a short one does not', () => {
    expect(weigh({ ...long, waitMs: 30_000 })).toBe('hold')
    expect(weigh({ ...long, rewriteNano: 0.02 * DOLLAR, waitMs: 30_000 })).toBe('move')
  })

  test('nobody waits beyond what their team has patience for', () => {
    expect(weigh({ ...long, waitMs: 30_000, patienceMs: 29_999 })).toBe('move')
  })

  test('what it has waited counts', () => {
    expect(weigh({ ...long, waitMs: 30_000, waitedMs: 20_000 })).toBe('move')
  })

  test('a subagent waits longer, for nobody watches it', () => {
    expect(weigh({ ...long, waitMs: 50_000 })).toBe('move')
    expect(weigh({ ...long, waitMs: 50_000, minuteNano: MINUTE.subagent })).toBe('hold')
  })

  const cases: fc.Arbitrary<Weighing> = fc.record({
    rewriteNano: fc.integer({ min: 0, max: 20 * DOLLAR }),
    waitMs: fc.integer({ min: 1, max: 600_000 }),
    waitedMs: fc.integer({ min: 0, max: 600_000 }),
    patienceMs: fc.integer({ min: 0, max: 240_000 }),
    minuteNano: fc.constantFrom(...Object.values(MINUTE)),
  })

  test('no wait costs more than what it saves, however often it is weighed anew', () => {
    fc.assert(
      fc.property(cases, (each) => {
        if (weigh(each) === 'move') return
        expect(each.waitMs).toBeLessThanOrEqual(each.patienceMs)
        const cost = ((each.waitMs + each.waitedMs) / 60_000) * each.minuteNano
        expect(cost).toBeLessThanOrEqual(each.rewriteNano + 1)
      }),
    )
  })

  test('a longer wait, or a lower price, never makes a call wait that would have gone', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 0, max: 60_000 }), (each, more) => {
        if (weigh(each) === 'hold') return
        expect(weigh({ ...each, waitMs: each.waitMs + more })).toBe('move')
        expect(weigh({ ...each, rewriteNano: Math.max(0, each.rewriteNano - more) })).toBe('move')
      }),
    )
  })

  test('a dollar is worth a minute of a developer', () => {
    expect(worthWaiting(DOLLAR, MINUTE.developer)).toBe(60_000)
  })
})

describe('where caches are', () => {
  const usage = { ...NO_USAGE, cacheRead: 90_000, cacheWrite5m: 10_000 }
  const thread = { session: 's', agent: undefined }

  test('is known of each thread of a session, as long as they last', () => {
    const warmths = newWarmths()
    warmths.keep(thread, here, usage, 0)
    expect(warmths.at(thread, here, 1_000)).toMatchObject({ tokens: 100_000, isLong: false })
    expect(warmths.at({ session: 's', agent: 'a' }, here, 1_000)).toBeUndefined()
    expect(warmths.at(thread, elsewhere(), 1_000)).toBeUndefined()
    expect(warmths.at(thread, here, 300_000)).toBeUndefined()
  })

  test('of an hour, an hour: also where a call only read what had been written for one', () => {
    const warmths = newWarmths()
    warmths.keep(thread, here, { ...NO_USAGE, cacheWrite1h: 100_000 }, 0)
    warmths.keep(thread, here, { ...NO_USAGE, cacheRead: 100_000 }, 1_000_000)
    expect(warmths.at(thread, here, 4_000_000)).toMatchObject({ tokens: 100_000, isLong: true })
  })

  test('is not known of whoever names no session, nor for ever of many', () => {
    const warmths = newWarmths()
    warmths.keep({ session: undefined, agent: undefined }, here, usage, 0)
    expect(warmths.at({ session: undefined, agent: undefined }, here, 0)).toBeUndefined()
    for (let count = 0; count < 10_050; count++)
      warmths.keep({ session: `s${count}`, agent: undefined }, here, usage, 0)
    expect(warmths.at({ session: 's0', agent: undefined }, here, 0)).toBeUndefined()
    expect(warmths.at({ session: 's10049', agent: undefined }, here, 0)).toBeDefined()
  })
})
