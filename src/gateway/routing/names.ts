/** What upstreams are called by people. */
import type { Runtime } from '../../runtime.ts'
import { configured } from './upstreams.ts'

/** By its id, the name of an upstream. One that is gone, or cannot be looked up now, goes by its id. */
export async function upstreamNames(runtime: Runtime): Promise<(id: string) => string> {
  const all = await configured(runtime).catch(() => [])
  return (id) => all.find((each) => each.id === id)?.name ?? id
}
