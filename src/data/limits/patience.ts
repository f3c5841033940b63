/** Waiting for an answer, but not for long: and for none of them, once one has shown that there are none. */

/**
 * Milliseconds that an answer may take, waited for in small steps. However long our own process is held up, that is one
 * step: its pauses, and those of a busy machine, must not pass for an outage of the other's.
 */
const PATIENCE = 80
const STEP = 10

export interface Patience {
  /** @throws where no answer comes in time, or all are given up. */
  inTime<T>(work: Promise<T>, within?: number): Promise<T>
  /** Nobody waits any longer. */
  giveUp(): void
}

interface Waiter {
  /** After how many more it is tired: one that had begun when it came does not count. */
  steps: number
  tire(): void
}

/** All of them wait by one clock, which goes while anybody does: a timer for each was dearer than its answer. */
export function patience(): Patience {
  const waiting = new Set<Waiter>()
  let goes = false

  function step() {
    for (const waiter of waiting) if (--waiter.steps <= 0) waiter.tire()
    goes = waiting.size > 0
    if (goes) setTimeout(step, STEP)
  }

  return {
    inTime(work, within = PATIENCE) {
      return new Promise((resolve, reject) => {
        const tire = () => {
          waiting.delete(waiter)
          reject(Object.assign(new Error('It took too long.'), { code: 'timeout' }))
        }
        const waiter: Waiter = { steps: Math.ceil(within / STEP) + (goes ? 1 : 0), tire }
        waiting.add(waiter)
        if (!goes) {
          goes = true
          setTimeout(step, STEP)
        }
        work.then(
          (answer) => {
            waiting.delete(waiter)
            resolve(answer)
          },
          (error) => {
            waiting.delete(waiter)
            reject(error)
          },
        )
      })
    },
    giveUp() {
      for (const { tire } of waiting) tire()
    },
  }
}
