/** Who is next, where not everybody can be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BACKGROUND_PUT_OFF,
  MOST_PUT_OFF,
  newQueue,
  newShares,
  type Place,
} from '../../../src/gateway/routing/fairshare.ts'

/** Tokens a millisecond. */
const REFILL = 10
const NOW = 1_000_000

interface Named extends Place {
  name: string
  since: number
}

test('who has had less lately is next, though somebody else came before', () => {
  const shares = newShares()
  const queue = newQueue<Named>()
  shares.took('greedy', 300_000, NOW)
  queue.enter(place('first', 'greedy', shares.dueAt(main('greedy'), REFILL, NOW)))
  queue.enter(place('second', 'modest', shares.dueAt(main('modest'), REFILL, NOW + 20_000)))
  expect(queue.first()?.name).toBe('second')
})

test('what was had is forgotten by half in a minute, and what is given back at once', () => {
  const shares = newShares()
  shares.took('ada', 100_000, NOW)
  expect(shares.dueAt(main('ada'), REFILL, NOW)).toBe(NOW + 10_000)
  expect(shares.dueAt(main('ada'), REFILL, NOW + 60_000)).toBe(NOW + 65_000)
  shares.took('ada', -50_000, NOW + 60_000)
  expect(shares.dueAt(main('ada'), REFILL, NOW + 60_000)).toBe(NOW + 60_000)
})

test('a main thread goes before work in the background that came a while before it', () => {
  const shares = newShares()
  const queue = newQueue<Named>()
  queue.enter(place('agent', 'ada', shares.dueAt({ who: 'ada', background: true }, REFILL, NOW)))
  queue.enter(place('main', 'bob', shares.dueAt(main('bob'), REFILL, NOW + BACKGROUND_PUT_OFF - 1)))
  queue.enter(place('late', 'cy', shares.dueAt(main('cy'), REFILL, NOW + BACKGROUND_PUT_OFF + 1)))
  expect(drained(queue)).toEqual(['main', 'agent', 'late'])
})

test('those that are alike go in the order in which they came', () => {
  const queue = newQueue<Named>()
  for (const name of ['1', '2', '3']) queue.enter(place(name, name, NOW))
  expect(drained(queue)).toEqual(['1', '2', '3'])
})

test('whatever comes, nobody is overtaken by those that come later than the longest putting off', () => {
  const arrival = fc.record({
    who: fc.constantFrom('ada', 'bob', 'cy'),
    background: fc.boolean(),
    cost: fc.integer({ min: 1, max: 400_000 }),
    after: fc.integer({ min: 0, max: 20_000 }),
    serves: fc.integer({ min: 0, max: 2 }),
  })
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 60 }), (arrivals) => {
      const shares = newShares()
      const queue = newQueue<Named>()
      const waiting = new Set<Named>()
      let now = NOW
      const serve = () => {
        const next = queue.first()
        if (!next) return
        queue.leave(next)
        waiting.delete(next)
        for (const { since } of waiting)
          expect(next.since - since).toBeLessThanOrEqual(MOST_PUT_OFF + BACKGROUND_PUT_OFF)
      }
      arrivals.forEach(({ who, background, cost, after, serves }, index) => {
        now += after
        const due = shares.dueAt({ who, background }, REFILL, now)
        const one = { name: String(index), who, background, cost, due, since: now }
        shares.took(who, cost, now)
        queue.enter(one)
        waiting.add(one)
        for (let times = 0; times < serves; times++) serve()
      })
      while (queue.size() > 0) serve()
      expect(waiting.size).toBe(0)
      expect(queue.tokens()).toBe(0)
    }),
  )
})

test('whoever sends other names in each call drives nobody out of memory', () => {
  const shares = newShares()
  for (let index = 0; index < 10_001; index++) shares.took(`made up ${index}`, 1_000, NOW)
  expect(shares.dueAt(main('made up 0'), REFILL, NOW)).toBe(NOW)
  expect(shares.dueAt(main('made up 10000'), REFILL, NOW)).toBe(NOW + 100)
})

function main(who: string) {
  return { who, background: false }
}

function place(name: string, who: string, due: number): Named {
  return { name, who, due, background: false, cost: 1, since: 0 }
}

function drained(queue: ReturnType<typeof newQueue<Named>>): string[] {
  const names: string[] = []
  for (let next = queue.first(); next; next = queue.first()) {
    names.push(next.name)
    queue.leave(next)
  }
  return names
}
