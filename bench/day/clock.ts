/** Virtual time: it moves when nothing is left to be done now, to the next moment that somebody waits for. */
import type { Halting } from '../../src/protocol/halt.ts'

export interface VirtualTime {
  now(): number
  /** As a runtime's: resolves when so much virtual time has passed, or at once when the signal says so. */
  rest(milliseconds: number, signal?: Halting): Promise<void>
  /** Something has just been done: time does not move before what follows from it is done too. */
  stir(): void
  /** Until nobody waits for anything any more. */
  run(): Promise<void>
}

interface Moment {
  at: number
  /** Those of one moment come in the order in which they were asked for. */
  order: number
  wake(): void
}

/** What is promised has come when so many turns of the event loop have brought nothing new. */
const QUIET_TURNS = 3

export function virtualTime(begin: number): VirtualTime {
  const heap: Moment[] = []
  let now = begin
  let order = 0
  let stirred = 0

  async function quiet() {
    for (let turns = 0, seen = stirred; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (stirred === seen) continue
      seen = stirred
      turns = -1
    }
  }

  return {
    now: () => now,
    rest(milliseconds, signal) {
      stirred++
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        let isOver = false
        const over = () => {
          if (isOver) return
          isOver = true
          stirred++
          signal?.removeEventListener('abort', over)
          resolve()
        }
        push(heap, { at: now + Math.max(0, milliseconds), order: order++, wake: over })
        signal?.addEventListener('abort', over)
      })
    },
    stir() {
      stirred++
    },
    async run() {
      for (;;) {
        await quiet()
        const next = pop(heap)
        if (!next) return
        now = Math.max(now, next.at)
        next.wake()
      }
    },
  }
}

const isBefore = (a: Moment, b: Moment) => a.at < b.at || (a.at === b.at && a.order < b.order)

function push(heap: Moment[], moment: Moment) {
  let index = heap.push(moment) - 1
  while (index > 0) {
    const above = (index - 1) >> 1
    const parent = heap[above]
    if (!parent || !isBefore(moment, parent)) break
    heap[index] = parent
    index = above
  }
  heap[index] = moment
}

function pop(heap: Moment[]): Moment | undefined {
  const [first] = heap
  const last = heap.pop()
  if (!first || !last || heap.length === 0) return first
  let index = 0
  for (;;) {
    const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]]
    const child = left && right && isBefore(right, left) ? right : left
    if (!child || !isBefore(child, last)) break
    heap[index] = child
    index = child === right ? 2 * index + 2 : 2 * index + 1
  }
  heap[index] = last
  return first
}
