/** What every store of rate limits must do, wherever it keeps them. */
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Granted,
  type Limits,
  ROUNDING,
  type Taken,
  timeFor,
  usedOf,
  type Want,
  waitFor,
} from '../../src/data/limits.ts'
import { holdsSuite } from './holdssuite.ts'
import { type Bench, DAY, grantedAt, refusedAt, wanting } from './wants.ts'

export interface OpenedLimits {
  limits: Limits
  close(): Promise<void> | void
}

const NOW = Date.UTC(2026, 10, 20, 12)
const MINUTE = 60_000

/** `open` is given the clock to go by. */
export function limitsSuite(open: (now: () => number) => Promise<OpenedLimits> | OpenedLimits) {
  const clock = { now: NOW }
  let opened: OpenedLimits
  let group: string
  let groups = 0
  beforeAll(async () => {
    opened = await open(() => clock.now)
  })
  afterAll(() => opened.close())
  beforeEach(() => {
    group = `suite_${process.pid}_${Date.now()}_${groups++}`
  })

  const own = (name: string) => `${group}:${name}`
  const take = async (...wants: Want[]): Promise<Taken> =>
    opened.limits.take(wants.map((want) => ({ ...want, name: own(want.name) })))

  async function granted(...wants: Want[]): Promise<Granted> {
    const taken = await take(...wants)
    if (!taken.granted) throw new Error(`refused at ${JSON.stringify(taken.standings)}`)
    return taken
  }

  const bench: Bench = { clock, take, granted, own, limits: () => opened.limits }
  describe('rates', () => ratesSuite(bench))
  describe('holds', () => holdsSuite(bench))
}

function ratesSuite({ clock, take, granted }: Bench) {
  describe('a limit', () => {
    test('lets through what it holds, then nothing, then what has come back', async () => {
      for (let call = 1; call <= 10; call++) expect(await take(wanting(1))).toMatchObject(grantedAt(call))
      expect(await take(wanting(1))).toEqual(refusedAt(10))
      clock.now += 5_999
      expect(await take(wanting(1))).toMatchObject({ granted: false })
      clock.now += 1
      expect(await take(wanting(1))).toMatchObject(grantedAt(10))
      clock.now += MINUTE
      expect(await take(wanting(10))).toMatchObject(grantedAt(10))
    })

    test('is not charged for what it refuses', async () => {
      await granted(wanting(4))
      for (let tries = 0; tries < 5; tries++) expect((await take(wanting(7))).granted).toBe(false)
      expect(await take(wanting(6))).toMatchObject(grantedAt(10))
    })

    test('makes a call that wants more than it holds wait for a full bucket, not for ever', async () => {
      await granted(wanting(1))
      expect((await take(wanting(1_000))).granted).toBe(false)
      clock.now += 6_000
      const grant = await granted(wanting(1_000))
      expect(grant).toMatchObject(grantedAt(10))
      await grant.settle([15])
      expect(await take(wanting(1))).toEqual(refusedAt(15))
    })

    test('is of its name alone', async () => {
      await granted(wanting(10))
      expect((await take(wanting(1, { name: 'tokens' }))).granted).toBe(true)
      expect((await take(wanting(1))).granted).toBe(false)
    })

    test('that is changed keeps what was used of it', async () => {
      await granted(wanting(8))
      expect((await take(wanting(1, { cap: 5 }))).granted).toBe(false)
      expect(await take(wanting(10, { cap: 20 }))).toMatchObject(grantedAt(18))
    })

    test('refuses nobody because the clock was set back', async () => {
      await granted(wanting(10))
      clock.now -= 3_600_000
      expect((await take(wanting(10))).granted).toBe(true)
      expect((await take(wanting(1))).granted).toBe(false)
      clock.now += 6_000
      expect((await take(wanting(1))).granted).toBe(true)
    })

    test('lets through its cap and no more of two hundred calls at once', async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => take(wanting(1, { cap: 50 }))))
      expect(answers.filter((answer) => answer.granted)).toHaveLength(50)
    })

    test('takes back who has waited as long as it said, and not a moment sooner', async () => {
      const figure = fc.integer({ min: 1, max: 10_000 })
      // In buckets that fill slowly: a Redis forgets by its own clock, which must not be noticed here.
      const asked = fc.tuple(figure, figure, figure, fc.integer({ min: DAY / 2, max: DAY }))
      let run = 0
      await fc.assert(
        fc.asyncProperty(asked, async ([cap, first, second, per]) => {
          const name = `wait${run++}`
          await granted(wanting(first, { name, cap, per }))
          const want = wanting(second, { name, cap, per })
          const [used = 0] = (await take(wanting(cap, { name, cap, per }))).standings.map(usedOf)
          const wait = Math.ceil(waitFor(want, used))
          const moment = Math.ceil(timeFor(ROUNDING, want)) + 1
          clock.now += wait - moment
          if (wait > 0) expect((await take(want)).granted).toBe(false)
          clock.now += moment
          expect((await take(want)).granted).toBe(true)
        }),
        { numRuns: 50 },
      )
    })
  })

  describe('several limits', () => {
    const both = (requests: number, tokens: number) => [
      wanting(requests),
      wanting(tokens, { name: 'tokens', cap: 1_000 }),
    ]

    test('are taken from together', async () => {
      expect(await granted(...both(1, 400))).toMatchObject(grantedAt(1, 400))
      expect(await granted(...both(1, 600))).toMatchObject(grantedAt(2, 1_000))
    })

    test('give nothing where one of them refuses, whichever', async () => {
      await granted(...both(9, 900))
      expect(await take(...both(1, 101))).toEqual(refusedAt(9, 900))
      expect(await take(...both(2, 100))).toEqual(refusedAt(9, 900))
      expect(await take(...both(1, 100))).toMatchObject(grantedAt(10, 1_000))
    })

    test('are none at all where none is wanted', async () => {
      expect(await take()).toMatchObject(grantedAt())
    })
  })

  describe('settling', () => {
    test('gives back what was not needed, and never more than the bucket holds', async () => {
      const [first, second] = [await granted(wanting(6)), await granted(wanting(4))]
      await first.settle([1])
      expect(await take(wanting(6))).toEqual(refusedAt(5))
      clock.now += MINUTE / 2
      await second.settle([0])
      expect(await take(wanting(11))).toMatchObject(grantedAt(10))
    })

    test('gives all of it back where nothing is said', async () => {
      await (await granted(wanting(6), wanting(6, { name: 'tokens' }))).settle([])
      expect(await take(wanting(10), wanting(10, { name: 'tokens' }))).toMatchObject({ granted: true })
    })

    test('takes on a debt, which is paid before anybody gets through', async () => {
      await (await granted(wanting(2))).settle([25])
      expect(await take(wanting(1))).toEqual(refusedAt(25))
      clock.now += 90_000
      expect(await take(wanting(1))).toEqual(refusedAt(10))
      clock.now += 6_000
      expect(await take(wanting(1))).toMatchObject(grantedAt(10))
    })

    test('comes late, when the bucket was full again: what it cost is owed all the same', async () => {
      const grant = await granted(wanting(2))
      clock.now += 10 * MINUTE
      await grant.settle([9])
      expect(await take(wanting(4))).toEqual(refusedAt(7))
    })
  })
}
