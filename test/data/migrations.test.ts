/** The schema of a database against that of this version. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { refuseNewer, standingOf } from '../../src/data/migrations.ts'
import { inMemory, MIGRATIONS } from './databases.ts'

const { entries } = JSON.parse(readFileSync(join(MIGRATIONS, 'meta/_journal.json'), 'utf8')) as {
  entries: { when: number; tag: string }[]
}
const [newest, before] = entries.toReversed().map(({ tag }) => tag.slice(0, 4))
const after = String(entries.length).padStart(4, '0')

describe('the schema of a database', () => {
  let opened: OpenDatabase
  beforeAll(async () => {
    opened = await inMemory()
    await run('create table kept as select * from drizzle.__drizzle_migrations')
  }, 60_000)
  beforeEach(async () => {
    await run('truncate drizzle.__drizzle_migrations')
    await run('insert into drizzle.__drizzle_migrations select * from kept')
  })
  afterAll(() => opened.close())

  const run = (statement: string) => opened.database.execute(sql.raw(statement))
  const standing = () => standingOf(opened.database)

  test('that was just migrated is the one this version needs', async () => {
    expect(await standing()).toMatchObject({ kind: 'equal', found: `schema ${newest}` })
    expect(await refuseNewer(opened.database)).toMatchObject({ kind: 'equal' })
  })

  test('that is older says which it is, which is needed, and what to run', async () => {
    await run(`delete from drizzle.__drizzle_migrations where created_at = ${entries.at(-1)?.when}`)
    expect(await standing()).toEqual({
      kind: 'older',
      found: `schema ${before}`,
      sentence: `The database has schema ${before}, this version needs ${newest}: run npm run db:migrate.`,
    })
    expect(await refuseNewer(opened.database)).toMatchObject({ kind: 'older' })
  })

  test('that is newer is refused in one sentence', async () => {
    await run(`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${Date.now() * 2})`)
    expect(await standing()).toMatchObject({ kind: 'newer' })
    const sentence = `The database has schema ${after}, this version needs ${newest}: run a newer version of Outcrop.`
    await expect(refuseNewer(opened.database)).rejects.toThrow(new ConfigError(sentence))
  })

  test('that was never migrated is no outage', async () => {
    const needed = `The database has no schema yet, this version needs ${newest}: run npm run db:migrate.`
    await run('truncate drizzle.__drizzle_migrations')
    expect(await standing()).toMatchObject({ kind: 'older', sentence: needed })
    await run('drop table drizzle.__drizzle_migrations')
    expect(await standing()).toMatchObject({ kind: 'older', sentence: needed })
    await run('drop schema drizzle')
    expect(await standing()).toMatchObject({ kind: 'older', sentence: needed })
    await run('create schema drizzle')
    await run('create table drizzle.__drizzle_migrations as select * from kept')
  })

  test('of a database that fails for another reason is not known', async () => {
    await run('alter table drizzle.__drizzle_migrations rename column created_at to gone')
    await expect(standing()).rejects.toThrow()
    await run('alter table drizzle.__drizzle_migrations rename column gone to created_at')
  })
})
