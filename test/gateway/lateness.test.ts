/** A process that is behind with its work, told from one that made a pause. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { capacityOf } from '../../src/gateway/admit.ts'
import { lateness } from '../../src/gateway/lateness.ts'

afterEach(() => void vi.unstubAllGlobals())

interface Timer {
  act: () => void
  at: number
}

/** A process whose every turn takes so many milliseconds: a call comes in at its beginning, timers are late at its end. */
function working() {
  let clock = 0
  let timer: Timer | undefined
  vi.stubGlobal('setTimeout', (act: () => void, after: number) => {
    timer = { act, at: clock + after }
    return timer
  })
  const watch = lateness(() => clock)
  function pass(milliseconds: number) {
    clock += milliseconds
    if (timer === undefined || timer.at > clock) return
    const { act } = timer
    timer = undefined
    act()
  }
  return {
    /** How many of the turns found it behind. */
    turns(count: number, milliseconds: number): number {
      let behind = 0
      for (let turn = 0; turn < count; turn++) {
        if (watch.isBehind()) behind++
        pass(milliseconds)
      }
      return behind
    },
    /** Nothing comes in, and nothing is to be done. */
    rest(milliseconds: number) {
      for (let time = 0; time < milliseconds; time++) pass(1)
    },
    hasTimer: () => timer !== undefined,
  }
}

describe('a process', () => {
  test('with short turns is never behind, however many calls come', () => {
    expect(working().turns(10_000, 20)).toBe(0)
  })

  test('that makes one long pause is not behind', () => {
    const { turns } = working()
    expect(turns(1, 80) + turns(5, 5) + turns(1, 80) + turns(100, 5)).toBe(0)
  })

  test('whose turns stay long is behind soon, and no longer once they are short', () => {
    const { turns } = working()
    expect(turns(10, 60)).toBeGreaterThanOrEqual(6)
    turns(2, 5)
    expect(turns(100, 5)).toBe(0)
  })

  test('that was behind just now is so again at once, but not long afterwards', () => {
    const { turns, rest } = working()
    turns(10, 60)
    turns(10, 5)
    expect(turns(2, 60)).toBe(1)
    turns(10, 5)
    rest(3_000)
    expect(turns(2, 60)).toBe(0)
  })

  test('that nothing comes to runs no timer', () => {
    const { turns, rest, hasTimer } = working()
    turns(10, 60)
    expect(hasTimer()).toBe(true)
    rest(1_000)
    expect(hasTimer()).toBe(false)
  })
})

describe('capacity', () => {
  test('of a process that is behind: a few may wait, more may not, and those that were sent upstream do not count', () => {
    const capacity = capacityOf(1_000, { isBehind: () => true })
    const entered = () => Array.from({ length: 500 }, () => capacity.enter()).filter(Boolean).length
    const few = entered()
    expect([few > 0, few < 500]).toEqual([true, true])
    for (let place = 0; place < few; place++) capacity.send()
    expect(entered()).toBe(few)
  })

  test('of a process that is not: as many as it says', () => {
    const capacity = capacityOf(50, { isBehind: () => false })
    expect(Array.from({ length: 100 }, () => capacity.enter()).filter(Boolean)).toHaveLength(50)
  })
})
