/** Work by the clock of a process: again and again, and never twice at the same time. */

interface Wish {
  /** Milliseconds from the end of one time to the beginning of the next. */
  every: number
  /** As much longer, by chance: processes that were started together do not stay together. */
  spread: number
  /** Whether its time has come at all. */
  isReady(): boolean | Promise<boolean>
}

/** Begins after the first pause; what is given back ends it. What `work` throws is its own to tell. */
export function repeatedly({ every, spread, isReady }: Wish, work: () => Promise<unknown>): () => void {
  let isOver = false
  let timer: ReturnType<typeof setTimeout>

  async function once() {
    try {
      if (await isReady()) await work()
    } catch {
      // the next time is not affected
    }
    if (!isOver) wait()
  }

  function wait() {
    timer = setTimeout(() => void once(), every + Math.random() * spread)
    timer.unref()
  }

  wait()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
