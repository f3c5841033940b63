/** Work that is over in time, whatever it waits for, and of which nothing goes on afterwards. */
import type { Halting } from './halt.ts'

interface Deadline {
  /** Milliseconds. */
  timeout: number
  /** Whoever waits for it may leave earlier. */
  signal: Halting | undefined
  /** What is thrown when the time is up, and when nobody waits any more. */
  late(): Error
  left(): Error
}

/** The signal handed to `work` aborts as soon as the outcome is known: what is still open then is to be closed. */
export async function within<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { timeout, signal, late, left } = deadline
  if (signal?.aborted) throw left()
  const controller = new AbortController()
  let leave: () => void = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_, reject) => {
    leave = () => reject(left())
    timer = setTimeout(() => reject(late()), timeout)
  })
  signal?.addEventListener('abort', leave)
  try {
    return await Promise.race([over, work(controller.signal)])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
    controller.abort()
  }
}

/** The same for work that cannot be called off: when it is late it is left to itself. `timeout` in milliseconds. */
export function inTime<T>(
  timeout: number,
  work: () => Promise<T>,
  late = () => new Error(`no answer in ${timeout} ms`),
): Promise<T> {
  return within({ timeout, signal: undefined, late, left: late }, work)
}

/** Resolves after so many milliseconds, or at once when the signal says that nobody waits any more. */
export function rest(milliseconds: number, signal?: Halting): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const over = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, milliseconds)
    signal?.addEventListener('abort', over)
  })
}
