/** Rate limits in this process: what every store must do, that nothing piles up, and that no sequence gets round one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import { accountOf, type Granted } from '../../src/data/limits.ts'
import { limitsSuite } from './limitssuite.ts'
import { DAY, holding, refusedAt, wanting } from './wants.ts'

describe('limits in memory', () => {
  limitsSuite((now) => ({ limits: memoryLimits(now), close() {} }))

  test('are judged without a promise', () => {
    expect(memoryLimits(() => 0).take([wanting(1)])).not.toBeInstanceOf(Promise)
  })

  test('forget who has long been idle: a hundred thousand callers that come once leave no pile', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    let most = 0
    for (let caller = 0; caller < 100_000; caller++) {
      now += 1
      limits.take([wanting(1, { name: `key_${caller}`, cap: 100 })]) // full again after 600 ms
      most = Math.max(most, limits.size())
    }
    expect(most).toBeLessThan(1_300)
  })

  test('keep a busy one through any number of idle ones', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    limits.take([wanting(10, { name: 'busy' })])
    for (let caller = 0; caller < 10_000; caller++) {
      now += 0.1
      limits.take([wanting(1, { name: `key_${caller}`, cap: 1_000 })])
    }
    expect(limits.take([wanting(10, { name: 'busy' })]).granted).toBe(false)
    expect(limits.size()).toBeLessThan(3_000)
  })

  test('over any stretch of any sequence let through at most the cap and what comes back in that time', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 5_000 }),
      cost: fc.integer({ min: 0, max: 12 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        let now = 0
        const limits = memoryLimits(() => now)
        const through: { at: number; cost: number }[] = []
        for (const { wait, cost } of steps) {
          now += wait
          if (limits.take([wanting(cost)]).granted) through.push({ at: now, cost: Math.min(cost, 10) })
        }
        for (const [index, { at: from }] of through.entries()) {
          let sum = 0
          for (const { at, cost } of through.slice(index)) {
            sum += cost
            expect(sum).toBeLessThanOrEqual(10 + ((at - from) * 10) / 60_000 + 0.001)
          }
        }
      }),
    )
  })

  test('take over what another store says is used', () => {
    const limits = memoryLimits(() => 0)
    limits.follow([wanting(1)], { granted: false, standings: [{ used: 10 }], unknown: [] })
    expect(limits.take([wanting(1)])).toEqual(refusedAt(10))
    limits.follow([wanting(1)], { granted: false, standings: [{ used: 0 }], unknown: [] })
    expect(limits.size()).toBe(0)
  })

  test('take over what another store says is spent, and hold what was granted there until it is settled', () => {
    const limits = memoryLimits(() => 0)
    const want = holding(30, { cap: 100 })
    const standings = [{ spent: 60, held: 40 }] // ten of which are another process's
    const settle = limits.follow([want], { granted: true, standings, asides: [30], settle() {} })
    expect(limits.take([want])).toMatchObject({ granted: true, standings: [{ spent: 60, held: 40 }] })
    settle([35])
    expect(limits.take([want])).toMatchObject({ granted: false, standings: [{ spent: 95, held: 10 }] })
  })

  test('learn nothing of an account that the other store does not know', () => {
    const limits = memoryLimits(() => 0)
    limits.follow([holding(1)], { granted: false, standings: [{ spent: 0, held: 0 }], unknown: [0] })
    expect(limits.take([holding(1)])).toMatchObject({ granted: false, unknown: [0] })
  })

  test('give back what one holder has, and nothing else of it, when it is dropped', () => {
    const limits = memoryLimits(() => 0)
    const want = holding(1, { cap: 3, floor: 0 })
    const [first] = [limits.take([want], 'one'), limits.take([want], 'one'), limits.take([want], 'two')]
    expect(limits.take([want], 'two')).toMatchObject({ granted: false, standings: [{ spent: 0, held: 3 }] })
    limits.drop('one')
    expect(limits.take([want], 'two')).toMatchObject({ granted: true, standings: [{ spent: 0, held: 2 }] })
    if (first.granted) first.settle([5])
    expect(limits.take([holding(1, { cap: null })], 'two')).toMatchObject({
      standings: [{ spent: 5, held: 3 }],
    })
  })

  test('give back what a call holds that nobody ever settles, after longer than any call may last', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    const lease = () => holding(1, { cap: 2, until: now + 2 * DAY, floor: 0 })
    for (let cutOff = 0; cutOff < 2; cutOff++) expect(limits.take([lease()]).granted).toBe(true)
    const refusedFor = (time: number) => {
      for (const end = now + time; now < end; now += 60_000) if (limits.take([lease()]).granted) return now
      return Number.POSITIVE_INFINITY
    }
    expect(refusedFor(DAY)).toBeGreaterThan(3_600_000)
    expect(now).toBeLessThan(2 * 3_600_000)
  })

  test('forget accounts whose time is over: a hundred thousand of them leave no pile', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    let most = 0
    for (let account = 0; account < 100_000; account++) {
      now += 100
      limits.take([holding(1, { name: `account_${account}`, until: now + 70_000, floor: 0 })])
      most = Math.max(most, limits.size())
    }
    expect(most).toBeLessThan(1_500)
  })

  test('set aside only what there is: whatever comes, spent and held pass the cap by no more than was misjudged', () => {
    const step = fc.record({ cost: fc.integer({ min: 0, max: 40 }), truly: fc.integer({ min: 0, max: 60 }) })
    const settles = fc.array(fc.nat(5), { maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.tuple(step, settles), { maxLength: 60 }), (steps) => {
        const limits = memoryLimits(() => 0)
        const open: { settle: Granted['settle']; truly: number; aside: number }[] = []
        let [spent, held, misjudged] = [0, 0, 0]
        for (const [{ cost, truly }, which] of steps) {
          const taken = limits.take([holding(cost, { cap: 100, floor: 0 })])
          const now = accountOf(taken.standings[0])
          expect(now.spent).toBe(spent)
          expect(taken.granted).toBe(spent + held < 100)
          if (taken.granted) open.push({ settle: taken.settle, truly, aside: now.held - held })
          held = now.held
          for (const index of which) {
            const [grant] = open.splice(index, 1)
            if (!grant) continue
            grant.settle([grant.truly])
            spent += grant.truly
            held -= grant.aside
            misjudged += Math.max(0, grant.truly - grant.aside)
          }
          expect(spent + held).toBeLessThanOrEqual(100 + misjudged)
        }
      }),
    )
  })
})
