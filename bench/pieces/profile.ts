/** Where the processor's time goes, by source file: what a function costs itself, with the machine below it. */
import { Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Part {
  name: string
  /** Of the time in which the process did anything. */
  share: number
}

/** Samples a millisecond would be coarse: a request is over in one. */
const INTERVAL = 200
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Begins; what is given back ends it and says what it saw, the largest first. */
export async function profiler(): Promise<() => Promise<Part[]>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
    const counts = new Map<string, number>()
    for (const id of profile.samples ?? []) {
      const name = names.get(id) ?? ''
      if (name !== IDLE) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
    return [...counts]
      .map(([name, count]) => ({ name, share: count / all }))
      .toSorted((one, other) => other.share - one.share)
  }
}

const IDLE = '(idle)'

/** A file of the gateway's, a package, a module of Node's, or what is none of them. */
function nameOf({ url, functionName }: { url: string; functionName: string }): string {
  if (url === '') return functionName === '' ? '(program)' : functionName
  if (url.startsWith('node:')) return url.replace(/^node:internal\/(deps\/)?/, 'node:')
  const path = relative(ROOT, url.startsWith('file:') ? fileURLToPath(url) : url)
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path
}
