/** Databases for tests: the embedded one in memory, migrated. */
import { fileURLToPath } from 'node:url'
import type { OpenDatabase } from '../../src/data/database.ts'
import { openPglite } from '../../src/data/pglite.ts'
import { remoteDatabase } from '../../src/data/remote.ts'

export const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url))

export async function inMemory(): Promise<OpenDatabase> {
  const { ask, close } = await openPglite(undefined, MIGRATIONS)
  return { database: remoteDatabase(ask), close }
}
