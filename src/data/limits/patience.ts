/** Waiting for an answer, but not for long: and for none of them, once one has shown that there are none. */

/**
 * Milliseconds that an answer may take, waited for in small steps. However long our own process is held up, that is one
 * step: its pauses, and those of a busy machine, must not pass for an outage of the other's.
 */
const PATIENCE = 80
const STEP = 16

export interface Patience {
  /** @throws where no answer comes in time, or all are given up. */
  inTime<T>(work: Promise<T>, within?: number): Promise<T>
  /** Nobody waits any longer. */
  giveUp(): void
}

export function patience(): Patience {
  const waiting = new Set<() => void>()
  return {
    inTime(work, within = PATIENCE) {
      return new Promise((resolve, reject) => {
        let steps = Math.ceil(within / STEP)
        let timer: ReturnType<typeof setTimeout>
        const leave = () => {
          clearTimeout(timer)
          waiting.delete(tire)
        }
        const tire = () => {
          leave()
          reject(Object.assign(new Error('It took too long.'), { code: 'timeout' }))
        }
        const wait = () => {
          if (steps-- === 0) tire()
          else timer = setTimeout(wait, STEP)
        }
        wait()
        waiting.add(tire)
        work.then(resolve, reject).finally(leave)
      })
    },
    giveUp() {
      for (const tire of waiting) tire()
    },
  }
}
