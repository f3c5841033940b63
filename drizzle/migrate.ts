/**
 * Brings the database that DATABASE_URL names to the schema of this version, from any machine that reaches it:
 * `npm run db:migrate`. Doing it twice does nothing twice.
 */
import { fileURLToPath } from 'node:url'
import { migratePostgres } from '../src/data/postgres.ts'

// Beside the build in dist/, and from the sources, the migrations are in the folder of this name.
const MIGRATIONS = fileURLToPath(new URL('../drizzle', import.meta.url))

try {
  const url = process.env['DATABASE_URL']
  if (!url) throw new Error('DATABASE_URL must name it, as in postgres://user:password@host/database.')
  const { before, after } = await migratePostgres(url, MIGRATIONS)
  const said = before.kind === 'equal' ? after.sentence : `${before.found} before, ${after.found} now.`
  process.stdout.write(`${said}\n`)
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The database was not migrated: ${message}\n`)
  process.exitCode = 1
}
