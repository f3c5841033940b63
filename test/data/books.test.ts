import { afterAll, beforeAll, describe } from 'vitest'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { booksSuite } from './bookssuite.ts'
import { inMemory } from './databases.ts'

describe('on the embedded database', () => {
  let opened: OpenDatabase
  let data: Data
  beforeAll(async () => {
    opened = await inMemory()
    data = dataIn(opened.database, () => {})
  })
  afterAll(() => opened.close())
  booksSuite(() => ({ data, database: opened.database }))
})
