/** Databases for tests: the embedded one in memory, migrated. */
import { fileURLToPath } from 'node:url'
import { openPglite } from '../../src/data/pglite.ts'

export const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url))

export const inMemory = () => openPglite(undefined, MIGRATIONS)
