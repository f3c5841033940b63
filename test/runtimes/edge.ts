/** The runtime that runs Outcrop as a Worker. */
import { createRequire } from 'node:module'
import { findPostgres } from '../services/postgres.ts'
import { startWorker } from '../services/workerd.ts'
import type { Ability, Subject } from './subject.ts'

const LACKS: Partial<Record<Ability, string>> = {
  signals: 'A Worker has no process that could be told: the platform lets its requests finish.',
  'half-closed is gone':
    'A connection that its client closes in good order may still be listened to: workerd finds out with the next byte.',
}
/** An isolate is not told what happens in another: its cache of keys is what bounds it. */
const REVOCATION = 60_000

/** Either workerd, or why there is none here. @throws in CI, where nothing may be skipped. */
export async function workerOnWorkerd(): Promise<Subject | { missing: string }> {
  const postgres = await findPostgres()
  if ('missing' in postgres) return postgres
  const { version } = createRequire(import.meta.url)('workerd/package.json') as { version: string }
  return {
    name: `workerd ${version}`,
    start: async ({ bedrock, env = {} }, database) =>
      startWorker({ ...(bedrock ? { bedrock } : {}), env, databaseUrl: await database() }),
    revocation: REVOCATION,
    lacks: LACKS,
  }
}
