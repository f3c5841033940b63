/**
 * The embedded database: Postgres compiled to WebAssembly, in a folder. One process at a time: it takes no lock of
 * its own, and a second one would silently lose rows (see host/lock.ts).
 */
import { PGlite, types } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { refuseNewer } from './migrations.ts'
import type { Ask } from './remote.ts'

export interface Embedded {
  ask: Ask
  close(): Promise<void>
}

/** Times stay as Postgres writes them: Drizzle reads them. */
const TIMES = [types.TIMESTAMP, types.TIMESTAMPTZ, types.INTERVAL, types.DATE]
const PARSERS = Object.fromEntries(TIMES.map((type) => [type, (text: string) => text]))

/**
 * Opens the database in a folder, or in memory where none is named, and brings it to the newest schema.
 * @throws ConfigError where it is newer than this version.
 */
export async function openPglite(folder: string | undefined, migrations: string): Promise<Embedded> {
  const client = await PGlite.create(folder === undefined ? {} : { dataDir: folder })
  const database = drizzle(client)
  try {
    await refuseNewer(database)
    await migrate(database, { migrationsFolder: migrations })
  } catch (error) {
    await client.close()
    throw error
  }
  return {
    ask: async (sql, params, rowMode) =>
      (await client.query(sql, [...params], { rowMode, parsers: PARSERS })).rows,
    close: () => client.close(),
  }
}
