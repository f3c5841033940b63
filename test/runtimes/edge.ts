/** The runtime that runs Outcrop as a Worker. */
import { createRequire } from 'node:module'
import { findPostgres } from '../services/postgres.ts'
import { startWorker } from '../services/workerd.ts'
import type { Subject } from './subject.ts'

const AN_ISOLATE_S_CACHE = 60_000

/** Either workerd, or why there is none here. @throws in CI, where nothing may be skipped. */
export async function workerOnWorkerd(): Promise<Subject | { missing: string }> {
  const postgres = await findPostgres()
  if ('missing' in postgres) return postgres
  const { version } = createRequire(import.meta.url)('workerd/package.json') as { version: string }
  return {
    name: `workerd ${version}`,
    start: async ({ bedrock, env = {} }, database) =>
      startWorker({ ...(bedrock ? { bedrock } : {}), env, databaseUrl: await database() }),
    revocation: AN_ISOLATE_S_CACHE,
    lacks: { signals: 'A Worker has no process that could be told: the platform lets its requests finish.' },
  }
}
