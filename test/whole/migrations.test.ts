/** Bringing a database to the schema of this version: at the start of a gateway, and from any machine. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import connect from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { SECRET_KEY, startGateway } from './gateway.ts'
import { launch } from './launch.ts'

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

describe.skipIf('missing' in found)('migrations', () => {
  let postgres: Postgres
  beforeAll(async () => {
    if (!('missing' in found)) postgres = await found.start()
  })
  afterAll(() => postgres?.close())

  async function run(url: string, ...statements: string[]) {
    const client = connect(url, { max: 1, onnotice: () => {} })
    for (const statement of statements) await client.unsafe(statement)
    await client.end()
  }

  function migrate(url: string) {
    const script = join(import.meta.dirname, '../../dist/migrate.js')
    return promisify(execFile)(process.execPath, [script], { env: { DATABASE_URL: url } })
  }

  test('npm run db:migrate says what it did, does nothing twice, and nothing to what is newer', async () => {
    const url = await postgres.url('migrate')
    expect((await migrate(url)).stdout).toMatch(/^no schema yet before, schema \d{4} now\.\n$/)
    expect((await migrate(url)).stdout).toMatch(
      /^The database has schema (\d{4}), this version needs \1: nothing is to be done\.\n$/,
    )
    await run(
      url,
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${Date.now() * 2})`,
    )
    await expect(migrate(url)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The database was not migrated: .*run a newer version of Outcrop\.\n$/),
    })
    await expect(migrate('')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/DATABASE_URL/),
    })
  })

  test('many that start together take turns: one migrates, the others find it done', async () => {
    const url = await postgres.url('together')
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => migratePostgres(url, MIGRATIONS)))
    expect(outcomes.filter(({ before }) => before.kind === 'older')).toHaveLength(1)
    expect(outcomes.map(({ after }) => after.kind)).toEqual(Array(5).fill('equal'))
  })

  test('a gateway migrates what is older at its start, and does not start on what is newer', async () => {
    const url = await postgres.url('gateway')
    const env = { DATABASE_URL: url, SECRET_KEY, PORT: '0' }
    await migratePostgres(url, MIGRATIONS)
    await run(
      url,
      'drop schema public cascade',
      'create schema public',
      'truncate drizzle.__drizzle_migrations',
    )
    const gateway = await startGateway({ env: { DATABASE_URL: url, SECRET_KEY } })
    await gateway.makeKey()
    await gateway.stop()
    await gateway.clear()
    await run(
      url,
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${Date.now() * 2})`,
    )
    const refused = await launch({ env })
    expect(await refused.exited).toMatchObject({ code: 1 })
    expect(refused.stderr()).toMatch(
      /^Outcrop cannot start:\nThe database has schema \d{4}, this version needs \d{4}: run a newer version of Outcrop\.\n$/,
    )
    await refused.clear()
  })
})
