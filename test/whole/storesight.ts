/** Whether replicas have the shared store of limits in sight: what they measure while one has not says nothing. */
import { eventually } from './eventually.ts'
import type { Gateway } from './gateway.ts'

/** Levels of the lines about the store, in order. */
export function storeLines(gateway: Gateway): string[] {
  const lines = gateway
    .stdout()
    .split('\n')
    .filter((line) => line.includes('shared store of limits'))
  return lines.map((line) => (JSON.parse(line) as { level: string }).level)
}

/** Once it has Redis in sight: how many lines it has written about it. */
export function calm(gateway: Gateway): Promise<number> {
  const lines = () => storeLines(gateway)
  return eventually(() => (lines().at(-1) === 'warn' ? undefined : lines().length), { within: 30_000 })
}

/** What was measured; anew, where on a busy machine a replica lost sight of Redis meanwhile. */
export async function undisturbed<T>(replicas: readonly Gateway[], measure: () => Promise<T>): Promise<T> {
  const seen = () => replicas.flatMap(storeLines).length
  for (let attempt = 1; ; attempt++) {
    await Promise.all(replicas.map(calm))
    const before = seen()
    const measured = await measure()
    if (seen() === before || attempt === 5) return measured
  }
}
