/** Runs in Node before the tests that run in workerd: the services they reach, and where each is. */
import type { TestProject } from 'vitest/node'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { startFakeNeon } from '../fakes/neon.ts'
import { findPostgres } from '../services/postgres.ts'

/** Empty where there is no Postgres. */
export interface Services {
  hyperdrive: string
  neonHttp: string
  neonWebSocket: string
  neonHost: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: Services
  }
}

/** Vitest calls it before, and what it gives back after. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const found = await findPostgres()
  if ('missing' in found) {
    provide('services', { hyperdrive: '', neonHttp: '', neonWebSocket: '', neonHost: '' })
    return async () => {}
  }
  const postgres = await found.start()
  const neon = await startFakeNeon()
  const database = async (name: string) => {
    const url = new URL(await postgres.url(name))
    url.password ||= 'none' // a Hyperdrive has one
    await migratePostgres(url.href, MIGRATIONS)
    return url.href
  }
  provide('services', {
    hyperdrive: await database('hyperdrive'),
    neonHttp: await database('neon_http'),
    neonWebSocket: await database('neon_websocket'),
    neonHost: neon.host,
  })
  return async () => {
    await neon.close()
    await postgres.close()
  }
}
