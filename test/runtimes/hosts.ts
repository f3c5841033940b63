/** The runtimes that run Outcrop as a process with a disk. */
import { findPostgres } from '../services/postgres.ts'
import { run } from '../services/run.ts'
import { findRuntime, type HostName } from '../services/runtimes.ts'
import { startGateway } from '../whole/gateway.ts'
import type { Subject } from './subject.ts'

const TITLES: Readonly<Record<HostName, string>> = { node: 'Node', node22: 'Node', bun: 'Bun', deno: 'Deno' }

/** Either the host, or why it cannot be had here. @throws in CI, where nothing may be skipped. */
export async function hostOn(on: HostName): Promise<Subject | { missing: string }> {
  const [found, postgres] = [await findRuntime(on), await findPostgres()]
  if ('missing' in found) return found
  const [version = 'of unknown version'] = /\d+\.\d+\.\d+/.exec(await run(found.binary, ['--version'])) ?? []
  return {
    name: `${TITLES[on]} ${version}`,
    start: (options) => startGateway({ ...options, on }),
    revocation: 0,
    lacks: 'missing' in postgres ? { postgres: postgres.missing } : {},
  }
}
