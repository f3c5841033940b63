/** Bindings in a process, alone and beside a store that others share: what is asked of that, and what its outages cost. */
import { describe, expect, test } from 'vitest'
import { followedBindings } from '../../src/data/bindings/followed.ts'
import { memoryBindings } from '../../src/data/bindings/memory.ts'
import type { Move, SharedBindings } from '../../src/data/bindings.ts'
import { newStanding } from '../../src/data/limits/standing.ts'
import { counters } from '../../src/protocol/metrics.ts'
import type { LogLevel } from '../../src/runtime.ts'
import { bindingsSuite } from './bindingssuite.ts'

const HOUR = 3_600_000
const move = (from: string | undefined, to: string): Move => ({ from, to, lasts: HOUR })

describe('in memory', () => {
  bindingsSuite(async (clock) => {
    const bindings = memoryBindings(clock)
    return { bindings, close() {} }
  })

  test('no more are kept than there is room for: those heard of longest ago go', () => {
    const bindings = memoryBindings(() => 0, 3)
    for (const name of ['a', 'b', 'c', 'a', 'd']) bindings.keep(name, move(undefined, 'x'))
    expect(bindings.find(['a', 'b', 'c', 'd'])).toEqual(['x', undefined, 'x', 'x'])
    expect(bindings.size()).toBe(3)
  })

  test('those that are over go by themselves as others come', () => {
    const clock = { now: 0 }
    const bindings = memoryBindings(() => clock.now)
    for (let each = 0; each < 100; each++) bindings.keep(`old ${each}`, move(undefined, 'x'))
    clock.now = HOUR
    for (let each = 0; each < 60; each++) bindings.keep(`new ${each}`, move(undefined, 'x'))
    expect(bindings.size()).toBe(60)
  })
})

/** A replica beside a store, which counts what it is asked and can be made to fail. */
function replica(kept = new Map<string, string>()) {
  const clock = { now: Date.UTC(2026, 10, 20) }
  const asked = { find: 0, keep: 0, probes: 0 }
  const store = { answer: async () => {} }
  const shared: SharedBindings = {
    async find(names) {
      asked.find++
      await store.answer()
      return names.map((name) => kept.get(name))
    },
    async keep(name, { from, to }) {
      asked.keep++
      await store.answer()
      const held = kept.get(name)
      if (held === undefined || held === from) kept.set(name, to)
      return kept.get(name) ?? ''
    },
  }
  const lines: string[] = []
  const standing = newStanding()
  const bindings = followedBindings({
    shared,
    local: memoryBindings(() => clock.now),
    standing,
    probeIfDue: () => void asked.probes++,
    log: (_: LogLevel, message) => void lines.push(message),
    metrics: counters(),
    now: () => clock.now,
  })
  return { bindings, clock, asked, kept, store, standing, lines }
}

const away = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }))
const silent = () => new Promise<void>(() => {})

describe('beside a store that is shared', () => {
  test("a session's first call asks once, those that follow ask nobody as long as it is under way", async () => {
    const { bindings, clock, asked, kept } = replica()
    expect(await bindings.find(['s'])).toEqual([undefined])
    expect(asked).toMatchObject({ find: 1, keep: 0 })
    await bindings.keep('s', move(undefined, 'a'))
    expect(asked).toMatchObject({ find: 1, keep: 1 })
    for (let call = 0; call < 50; call++) {
      clock.now += 3_000
      const found = bindings.find(['s'])
      expect(found, 'at once').toEqual(['a'])
      await bindings.keep('s', move('a', 'a'))
    }
    expect(asked.find).toBe(1)
    expect(asked.keep).toBeLessThan(30)
    expect(kept.get('s')).toBe('a')
  })

  test('after a pause it is asked for again, for others may have moved it', async () => {
    const { bindings, clock, asked, kept } = replica()
    await bindings.keep('s', move(undefined, 'a'))
    kept.set('s', 'b')
    expect(await bindings.find(['s'])).toEqual(['a'])
    clock.now += 10_000
    expect(await bindings.find(['s'])).toEqual(['b'])
    expect(asked.find).toBe(1)
  })

  test('who hears of a move only when it says where it was goes by the move from then on', async () => {
    const { bindings, clock, kept } = replica()
    await bindings.keep('s', move(undefined, 'a'))
    kept.set('s', 'b')
    clock.now += 6_000
    await bindings.keep('s', move('a', 'a'))
    expect(await bindings.find(['s'])).toEqual(['b'])
    expect(kept.get('s')).toBe('b')
  })

  test('a subagent and its session are asked for together', async () => {
    const { bindings, asked } = replica(new Map([['session', 'a']]))
    expect(await bindings.find(['agent', 'session'])).toEqual([undefined, 'a'])
    expect(asked.find).toBe(1)
  })

  test('a store that has lost its data is told anew, and nothing moves', async () => {
    const { bindings, clock, kept } = replica()
    await bindings.keep('s', move(undefined, 'a'))
    kept.clear()
    clock.now += 20_000
    expect(await bindings.find(['s'])).toEqual(['a'])
    await bindings.keep('s', move('a', 'a'))
    expect(kept.get('s')).toBe('a')
  })

  describe.each([
    ['gone', away],
    ['silent', silent],
  ])('while it is %s', (_, how) => {
    test('nobody fails or waits for more than 100 ms, what was heard stands, and one line says so', async () => {
      const { bindings, clock, asked, store, lines, standing } = replica()
      await bindings.keep('s', move(undefined, 'a'))
      store.answer = how
      clock.now += 20_000
      const began = performance.now()
      expect(await bindings.find(['s'])).toEqual(['a'])
      // A machine that is busy with all tests at once has pauses of its own.
      expect(performance.now() - began).toBeLessThan(how === silent ? 400 : 100)
      expect(standing.away).toBe(true)
      clock.now += 20_000
      expect(bindings.find(['s', 'other']), 'at once').toEqual(['a', undefined])
      await bindings.keep('other', move(undefined, 'b'))
      expect(bindings.find(['other'])).toEqual(['b'])
      expect(asked.find).toBe(1)
      expect(asked.probes).toBeGreaterThan(0)
      expect(lines).toHaveLength(1)
    })

    test('what is kept is kept here, and told when the store is back and the session goes on', async () => {
      const { bindings, clock, kept, store, standing } = replica()
      store.answer = how
      await bindings.keep('s', move(undefined, 'a'))
      expect(standing.away).toBe(true)
      expect(kept.size).toBe(0)
      store.answer = async () => {}
      standing.away = false
      clock.now += 6_000
      await bindings.keep('s', move('a', 'a'))
      expect(kept.get('s')).toBe('a')
    })
  })
})
