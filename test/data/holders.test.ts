/** Under which names a process holds: when it takes a new one, which are renewed, and when one is gone for good. */
import { describe, expect, test } from 'vitest'
import { type HoldersOptions, holders } from '../../src/data/limits/holders.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

function stage(more: Partial<HoldersOptions> = {}) {
  const clock = { now: Date.UTC(2026, 10, 20) }
  const gone: string[] = []
  const own = holders({
    now: () => clock.now,
    liveness: MINUTE,
    turn: 10 * MINUTE,
    onGone: (name) => void gone.push(name),
    ...more,
  })
  return { clock, gone, own }
}

describe('a process', () => {
  test('holds all it holds under one name, and no two have the same', () => {
    const { own } = stage()
    expect(own.enter().name).toBe(own.enter().name)
    expect(stage().own.enter().name).not.toBe(own.enter().name)
  })

  test('renews it while something is held, four times before it would die, and not without need', () => {
    const { own, clock } = stage()
    const { name, leave } = own.enter()
    expect(own.due()).toEqual([])
    for (let renewal = 0; renewal < 8; renewal++) {
      clock.now += MINUTE / 4 - 1
      expect(own.due()).toEqual([])
      clock.now += 1
      expect(own.due()).toEqual([name])
      expect(own.due()).toEqual([])
    }
    leave()
    clock.now += MINUTE
    expect(own.due()).toEqual([])
  })

  test('that was held up for longer than others believe in it goes on under another name', () => {
    const { own, clock, gone } = stage()
    const before = own.enter()
    clock.now += MINUTE
    const after = own.enter()
    expect(after.name).not.toBe(before.name)
    expect(own.due()).toEqual([before.name])
    expect(gone).toEqual([])
    before.leave()
    expect(gone).toEqual([before.name])
  })

  test('takes another name now and then, and keeps the old one as long as something is under way under it', () => {
    const { own, clock, gone } = stage()
    const before = own.enter()
    for (let minute = 0; minute < 10 * 6; minute++) {
      clock.now += MINUTE / 6
      own.enter().leave()
    }
    const after = own.enter()
    expect(after.name).not.toBe(before.name)
    clock.now += MINUTE / 2
    expect(own.due()).toContain(before.name)
    before.leave()
    expect(gone).toEqual([before.name])
  })
})

describe('what is lost', () => {
  test('takes its name along, once nothing else is under way under it', () => {
    const { own, clock, gone } = stage()
    const [lost, other] = [own.enter(), own.enter()]
    lost.lose()
    const next = own.enter()
    expect(next.name).not.toBe(lost.name)
    clock.now += MINUTE / 2
    expect(own.due().toSorted()).toEqual([lost.name, next.name].toSorted())
    other.leave()
    expect(gone).toEqual([lost.name])
    clock.now += MINUTE / 2
    expect(own.due()).toEqual([next.name])
  })

  test('while a new name is in use leaves that one alone', () => {
    const { own } = stage()
    const [first, second] = [own.enter(), own.enter()]
    first.lose()
    const next = own.enter()
    second.lose()
    expect(own.enter().name).toBe(next.name)
  })

  test('is lost once: who says so twice, or leaves after that, takes nothing from anybody', () => {
    const { own, gone } = stage()
    const [lost, other] = [own.enter(), own.enter()]
    lost.lose()
    lost.lose()
    lost.leave()
    expect(gone).toEqual([])
    other.leave()
    other.leave()
    expect(gone).toEqual([lost.name])
  })

  test('without a word is given up after longer than any call may last', () => {
    const { own, clock, gone } = stage({ liveness: 24 * HOUR })
    const silent = own.enter()
    clock.now += HOUR
    own.enter().leave()
    expect(gone).toEqual([])
    clock.now += HOUR
    own.enter().leave()
    expect(gone).toContain(silent.name)
    silent.leave()
    expect(gone.filter((name) => name === silent.name)).toHaveLength(1)
  })

  test('without a word is not renewed for longer, even where nothing else happens', () => {
    const { own, clock } = stage()
    const silent = own.enter()
    let renewals = 0
    for (let minute = 0; minute < 24 * 60; minute++) {
      clock.now += MINUTE
      renewals += own.due().filter((name) => name === silent.name).length
    }
    expect(renewals).toBeGreaterThan(60)
    expect(renewals).toBeLessThan(90)
  })
})
