/** The shared store goes away and comes back: who waits, who is refused, what is said, and what is counted where. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type FallbackOptions, fallbackLimits, type SharedLimits } from '../../src/data/limits/fallback.ts'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import { newStanding } from '../../src/data/limits/standing.ts'
import type { Want } from '../../src/data/limits.ts'
import { counters } from '../../src/protocol/metrics.ts'
import { grantedAt, holding, wanting } from './wants.ts'

const AWAY = 'the shared store of limits does not answer: each replica counts for itself'
const BACK = 'the shared store of limits answers again'

/** A store that answers, fails, or is silent until it is to speak. */
function scriptedStore(now: () => number) {
  const inner = memoryLimits(now)
  const held: (() => void)[] = []
  let mood: 'answers' | 'fails' | 'silent' = 'answers'
  let asked = 0
  async function inMood() {
    asked++
    if (mood === 'fails')
      throw Object.assign(new Error('connect redis://:secret@host'), { code: 'ECONNREFUSED' })
    if (mood === 'silent') await new Promise<void>((resolve) => held.push(resolve))
  }
  let abandoned = 0
  const limits: SharedLimits = {
    async take(wants) {
      await inMood()
      const taken = inner.take(wants)
      if (!taken.granted) return taken
      return {
        ...taken,
        async settle(costs) {
          await inMood()
          await taken.settle(costs)
        },
        abandon: () => void abandoned++,
      }
    },
    async raise(floors) {
      await inMood()
      inner.raise(floors)
    },
    async lift(floors) {
      await inMood()
      inner.lift(floors)
    },
  }
  return {
    limits,
    inner,
    asked: () => asked,
    abandoned: () => abandoned,
    turn(to: typeof mood) {
      mood = to
      if (to === 'answers') for (const speak of held.splice(0)) speak()
    },
  }
}

function stage(more: Partial<FallbackOptions> = {}) {
  const clock = { now: Date.UTC(2026, 10, 20) }
  const now = () => clock.now
  const store = scriptedStore(now)
  const local = memoryLimits(now)
  const lines: string[] = []
  const metrics = counters()
  const work: Promise<void>[] = []
  const limits = fallbackLimits({
    shared: store.limits,
    local,
    standing: newStanding(),
    log: (level, message, fields) =>
      void lines.push([level, message, fields?.['cause']].filter(Boolean).join(' ')),
    metrics,
    now,
    background: (each) => void work.push(each),
    ...more,
  })
  const take = (...wants: Want[]) => Promise.resolve(limits.take(wants))
  const timed = async (...wants: Want[]) => {
    const began = performance.now()
    const taken = await take(...wants)
    return { taken, ms: performance.now() - began }
  }
  return { clock, store, local, lines, metrics, work, limits, take, timed }
}

/** Milliseconds that as long a wait takes by itself, just now, on this machine. */
async function bareWait(): Promise<number> {
  const began = performance.now()
  for (let step = 0; step < 5; step++) await sleep(16)
  return performance.now() - began
}

describe('while the shared store answers', () => {
  test('it judges, and its refusals are refusals', async () => {
    const { store, take, lines } = stage()
    store.inner.take([wanting(9)])
    expect(await take(wanting(1))).toMatchObject(grantedAt(10))
    expect(await take(wanting(1))).toMatchObject({ granted: false })
    expect(lines).toEqual([])
  })

  test('what a call has cost is settled there', async () => {
    const { store, take } = stage()
    const taken = await take(wanting(8))
    if (taken.granted) await taken.settle([3])
    expect(store.inner.take([wanting(7)])).toMatchObject(grantedAt(10))
  })

  test('a pause of our own process does not pass for an outage of its', async () => {
    const { take, lines, store } = stage()
    store.turn('silent')
    const taken = take(wanting(1))
    setTimeout(() => store.turn('answers'), 1)
    await sleep(0)
    const busyUntil = performance.now() + 200
    while (performance.now() < busyUntil);
    expect((await taken).granted).toBe(true)
    expect(lines).toEqual([])
  })
})

describe('when it is away', () => {
  test('and says so, nobody waits, nobody is refused for it, and one line says it', async () => {
    const { store, limits, lines, metrics } = stage()
    store.turn('fails')
    for (let call = 0; call < 10; call++) {
      const answer = limits.take([wanting(1)])
      if (call > 0) expect(answer).not.toBeInstanceOf(Promise)
      expect((await answer).granted).toBe(true)
    }
    expect(lines).toEqual([`warn ${AWAY} ECONNREFUSED`])
    expect(store.asked()).toBe(1)
    expect(metrics.text()).toContain('outcrop_limits_store_total{state="away"} 1')
    expect(metrics.text()).toContain('outcrop_limits_local_total 10')
  })

  test('and says nothing, those that find out wait at most 100 ms together, and those after them not at all', async () => {
    const { store, timed, limits, lines } = stage()
    store.turn('silent')
    const first = Promise.all(Array.from({ length: 5 }, () => timed(wanting(1))))
    const noise = (await bareWait()) - 80
    for (const { taken, ms } of await first) {
      expect(taken.granted).toBe(true)
      expect(ms).toBeGreaterThan(65)
      expect(ms).toBeLessThan(100 + noise)
    }
    expect(limits.take([wanting(1)])).not.toBeInstanceOf(Promise)
    expect(lines).toEqual([`warn ${AWAY} timeout`])
    expect(store.asked()).toBe(5)
  })

  test('a limit still holds here: from what was last heard, up to its cap', async () => {
    const { store, take } = stage()
    await take(wanting(7))
    store.turn('fails')
    expect((await take(wanting(4))).granted).toBe(false)
    expect(await take(wanting(3))).toMatchObject(grantedAt(10))
    expect((await take(wanting(1))).granted).toBe(false)
  })

  test('a call that it had let through is settled here', async () => {
    const { store, take } = stage()
    const taken = await take(wanting(10))
    store.turn('fails')
    if (taken.granted) await taken.settle([2])
    expect(await take(wanting(8))).toMatchObject(grantedAt(10))
  })

  test('finding out by a settlement is finding out, too', async () => {
    const { store, take, lines } = stage()
    const taken = await take(wanting(10))
    store.turn('silent')
    if (taken.granted) await taken.settle([2])
    expect(lines).toEqual([`warn ${AWAY} timeout`])
  })

  test('an answer that comes too late gives back what it took there', async () => {
    const { store, take } = stage()
    store.turn('silent')
    await take(wanting(10))
    store.turn('answers')
    await expect.poll(() => store.inner.size()).toBe(0)
  })
})

describe('what is spent, while it is away', () => {
  const budget = (cost: number, floor?: number) => holding(cost, { floor })

  test('counts from what was last heard, and from what is held here', async () => {
    const { store, take } = stage()
    store.inner.take([budget(0, 50)])
    const taken = await take(budget(20))
    store.turn('fails')
    expect(await take(budget(10))).toMatchObject({ granted: true, standings: [{ spent: 50, held: 30 }] })
    if (taken.granted) await taken.settle([25])
    expect(await take(budget(20))).toMatchObject({ granted: true, standings: [{ spent: 75, held: 25 }] })
    expect(await take(budget(1))).toMatchObject({ granted: false, unknown: [] })
  })

  test('is not known here where nothing was heard of it: then the ledger is asked', async () => {
    const { store, take } = stage()
    store.turn('fails')
    expect(await take(budget(10))).toMatchObject({ granted: false, unknown: [0] })
    expect(await take(budget(10, 95))).toMatchObject({ granted: true, standings: [{ spent: 95, held: 5 }] })
  })

  test('of four replicas is at most four times what was left, by what they take for it', async () => {
    const replicas = Array.from({ length: 4 }, () => stage())
    for (const { store, take } of replicas) {
      await take(budget(0, 60))
      store.turn('fails')
    }
    let spent = 60
    for (const { take } of replicas) {
      for (let call = 0; call < 20; call++) {
        const taken = await take(budget(8))
        if (!taken.granted) continue
        spent += 8
        await taken.settle([8])
      }
    }
    expect(spent).toBe(60 + 4 * 40)
  })

  test('a call that it had let through is settled here alone, and there it is abandoned', async () => {
    const { store, take } = stage()
    const taken = await take(budget(20, 0))
    store.turn('fails')
    await take(budget(1))
    const asked = store.asked()
    if (taken.granted) await taken.settle([30])
    expect([store.asked() - asked, store.abandoned()]).toEqual([0, 1])
    expect(await take(budget(1))).toMatchObject({ granted: true, standings: [{ spent: 30, held: 2 }] })
  })

  test('is told once, and where that fails never again, but as the least that is spent when the store is back', async () => {
    const { store, take, limits } = stage()
    const taken = await take(budget(20, 50))
    store.turn('fails')
    const asked = store.asked()
    if (taken.granted) await taken.settle([30])
    expect(store.asked() - asked).toBe(1)
    store.turn('answers')
    await limits.probe()
    expect(store.inner.take([budget(0)])).toMatchObject({ standings: [{ spent: 80, held: 20 }] })
  })

  test('is told when the store is back, whether the call began before or meanwhile, and ended then or after', async () => {
    const { store, take, limits } = stage()
    const before = await take(budget(5, 10))
    store.turn('fails')
    const [one, two] = [await take(budget(5)), await take(budget(5))]
    if (before.granted) await before.settle([7])
    if (one.granted) await one.settle([11])
    store.turn('answers')
    await limits.probe()
    const there = () => store.inner.take([holding(0, { cap: 0 })]).standings
    expect(there()).toEqual([{ spent: 28, held: 5 }])
    if (two.granted) await two.settle([13])
    expect(there()).toEqual([{ spent: 41, held: 5 }])
    await limits.probe()
    expect(there()).toEqual([{ spent: 41, held: 5 }])
  })

  test('is not told of an account that the store has forgotten: of that the ledger knows more than a replica', async () => {
    const { store, take, limits } = stage()
    store.turn('fails')
    const taken = await take(budget(5, 10))
    if (taken.granted) await taken.settle([7])
    store.turn('answers')
    await limits.probe()
    expect(await take(budget(5))).toMatchObject({ granted: false, unknown: [0] })
  })

  test('may be of a thousand accounts: the store is told of some at a time', async () => {
    const { store, take, limits } = stage()
    store.turn('fails')
    for (let account = 0; account < 1_001; account++) {
      store.inner.raise([{ name: `account_${account}`, floor: 1, until: Date.UTC(2027, 10, 20) }])
      const taken = await take(holding(1, { name: `account_${account}`, floor: 0 }))
      if (taken.granted) await taken.settle([3])
    }
    store.turn('answers')
    const asked = store.asked()
    await limits.probe()
    expect(store.asked() - asked).toBe(1 + 3)
    expect(store.inner.take([holding(1, { name: 'account_1000' })])).toMatchObject({
      standings: [{ spent: 3, held: 1 }],
    })
  })

  test('is lifted here, too, where a floor is said; one that the store does not hear is no trouble of anybody', async () => {
    const { store, take, limits, lines } = stage()
    await take(budget(0, 10))
    store.turn('fails')
    const floor = { name: 'budget', floor: 95, until: Date.UTC(2027, 10, 20) }
    await limits.raise([floor])
    await limits.raise([floor])
    expect(lines).toEqual([`warn ${AWAY} ECONNREFUSED`])
    expect(await take(budget(10))).toMatchObject({ granted: true, standings: [{ spent: 95, held: 5 }] })
  })

  test('an answer that comes too late frees what it held there', async () => {
    const { store, take } = stage()
    store.inner.take([budget(0, 0)])
    store.turn('silent')
    await take(budget(20))
    store.turn('answers')
    const held = () => store.inner.take([holding(0, { cap: 0 })]).standings
    await expect.poll(held).toEqual([{ spent: 0, held: 0 }])
  })
})

describe('when it is back', () => {
  test('it is asked in the background once a second, and judges again after that; one line says it', async () => {
    const { store, take, clock, lines, work } = stage()
    store.turn('fails')
    await take(wanting(1))
    await take(wanting(1))
    expect(work).toHaveLength(0)
    clock.now += 1_000
    await take(wanting(1))
    await take(wanting(1))
    await Promise.all(work)
    expect(work).toHaveLength(1)
    expect(lines).toHaveLength(1)
    store.turn('answers')
    clock.now += 1_000
    await take(wanting(1))
    await Promise.all(work)
    expect(lines).toEqual([`warn ${AWAY} ECONNREFUSED`, `info ${BACK}`])
    expect(await take(wanting(10))).toMatchObject(grantedAt(10))
    expect(store.inner.take([wanting(1)]).granted).toBe(false)
  })

  test('a call that was let through here is settled here', async () => {
    const { store, take, limits } = stage()
    store.inner.take([wanting(5)])
    store.turn('fails')
    const taken = await take(wanting(4))
    store.turn('answers')
    await limits.probe()
    if (taken.granted) await taken.settle([0])
    expect(store.inner.take([wanting(5)])).toMatchObject(grantedAt(10))
  })

  test('one that comes and goes is asked less and less often', async () => {
    const { store, take, clock, limits, work } = stage()
    const pauses: number[] = []
    for (let outage = 0; outage < 8; outage++) {
      store.turn('fails')
      await take(wanting(0))
      store.turn('answers')
      let pause = 0
      for (const asked = work.length; work.length === asked; pause += 500) {
        clock.now += 500
        limits.probeIfDue()
      }
      await Promise.all(work)
      pauses.push(pause)
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  test('a question that its runtime never lets finish does not keep the next from being asked', async () => {
    const { store, take, clock, lines } = stage({ background: () => {} })
    store.turn('fails')
    await take(wanting(1))
    store.turn('silent')
    clock.now += 1_000
    await take(wanting(1))
    clock.now += 1_000
    store.turn('answers')
    await take(wanting(1))
    await expect.poll(() => lines).toEqual([`warn ${AWAY} ECONNREFUSED`, `info ${BACK}`])
  })
})
