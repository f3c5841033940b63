/** Rate limits in this process: what every store must do, that nothing piles up, and that no sequence gets round one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import { limitsSuite, wanting } from './limitssuite.ts'

describe('limits in memory', () => {
  limitsSuite((now) => ({ limits: memoryLimits(now), close() {} }))

  test('are judged without a promise', () => {
    expect(memoryLimits(() => 0).take('key_1', [wanting(1)])).not.toBeInstanceOf(Promise)
  })

  test('forget who has long been idle: a hundred thousand callers that come once leave no pile', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    let most = 0
    for (let caller = 0; caller < 100_000; caller++) {
      now += 1
      limits.take(`key_${caller}`, [wanting(1, { cap: 100 })]) // full again after 600 ms
      most = Math.max(most, limits.size())
    }
    expect(most).toBeLessThan(1_300)
  })

  test('keep a busy one through any number of idle ones', () => {
    let now = 0
    const limits = memoryLimits(() => now)
    limits.take('busy', [wanting(10)])
    for (let caller = 0; caller < 10_000; caller++) {
      now += 0.1
      limits.take(`key_${caller}`, [wanting(1, { cap: 1_000 })])
    }
    expect(limits.take('busy', [wanting(10)]).granted).toBe(false)
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
          if (limits.take('key_1', [wanting(cost)]).granted)
            through.push({ at: now, cost: Math.min(cost, 10) })
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
    limits.learn('key_1', [wanting(1)], [10])
    expect(limits.take('key_1', [wanting(1)])).toMatchObject({ granted: false, used: [10] })
    limits.learn('key_1', [wanting(1)], [0])
    expect(limits.size()).toBe(0)
  })
})
