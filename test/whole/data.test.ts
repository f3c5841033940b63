/** What the embedded database must do, on a real Postgres. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { Database } from '../../src/data/database.ts'
import { migratePostgres, openPostgres } from '../../src/data/postgres.ts'
import { booksSuite } from '../data/bookssuite.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { noticeSuite } from '../data/noticesuite.ts'
import { dataSuite } from '../data/suite.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

describe.skipIf('missing' in found)('a real Postgres', () => {
  let postgres: Postgres | undefined
  afterAll(() => postgres?.close())

  async function open(name: string) {
    if ('missing' in found) throw new Error(found.missing)
    postgres ??= await found.start()
    const url = await postgres.url(name)
    await migratePostgres(url, MIGRATIONS)
    return openPostgres(url)
  }

  describe('data', () => dataSuite(() => open('data')))
  describe('books', () => {
    let stage: { data: Data; database: Database }
    beforeAll(async () => {
      const { database, reports } = await open('books')
      stage = { database, data: dataIn(database, () => {}, { reports }) }
    })
    booksSuite(() => stage)
  })
  describe('notices', () => noticeSuite(() => open('notices')))
})
