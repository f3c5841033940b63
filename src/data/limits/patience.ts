/** Waiting for an answer, but not for long: and for none of them, once one has shown that there are none. */

/**
 * Milliseconds that an answer may take; and how much longer after that, in which one that has arrived meanwhile is read:
 * a pause of our own process must not pass for an outage of the other's.
 */
const PATIENCE = 70
const GRACE = 10

export interface Patience {
  /** @throws where no answer comes in time, or all are given up. */
  inTime<T>(work: Promise<T>, patience?: number): Promise<T>
  /** Nobody waits any longer. */
  giveUp(): void
}

export function patience(): Patience {
  const waiting = new Set<() => void>()
  return {
    inTime(work, most = PATIENCE) {
      return new Promise((resolve, reject) => {
        const leave = () => {
          clearTimeout(timer)
          waiting.delete(tire)
        }
        const tire = () => {
          leave()
          reject(Object.assign(new Error('It took too long.'), { code: 'timeout' }))
        }
        let timer = setTimeout(() => {
          timer = setTimeout(tire, GRACE)
        }, most)
        waiting.add(tire)
        work.then(resolve, reject).finally(leave)
      })
    },
    giveUp() {
      for (const tire of waiting) tire()
    },
  }
}
