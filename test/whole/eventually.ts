/** What is not yet so, but soon: asked again and again, for a while. */
import { setTimeout as sleep } from 'node:timers/promises'

interface Patience {
  /** Milliseconds. */
  within?: number
  every?: number
}

/** The first answer that is not undefined. What `ask` throws ends it at once. */
export async function eventually<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  { within = 10_000, every = 20 }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + within
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`It was not so within ${within} ms: ${ask}`)
    await sleep(every)
  }
}
