/**
 * The embedded database: Postgres compiled to WebAssembly, in a folder. One process at a time: it takes no lock of
 * its own, and a second one would silently lose rows (see host/lock.ts).
 */
import { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import type { OpenDatabase } from './database.ts'

/** Opens the database in a folder, or in memory where none is named, and brings it to the newest schema. */
export async function openPglite(folder: string | undefined, migrations: string): Promise<OpenDatabase> {
  const client = await PGlite.create(folder === undefined ? {} : { dataDir: folder })
  const database = drizzle(client)
  await migrate(database, { migrationsFolder: migrations })
  return { database, close: () => client.close() }
}
