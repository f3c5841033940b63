/** The embedded database in a thread of its own: what every database must do, and that it holds nobody up. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEmbedded } from '../../src/host/embedded.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { dataSuite } from '../data/suite.ts'

const THREAD = new URL('../../dist/pglitethread.js', import.meta.url)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outcrop-embedded-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const open = (name: string) =>
  openEmbedded(
    { folder: join(folder, name), migrations: MIGRATIONS },
    (error) => expect.unreachable(error.message),
    THREAD,
  )

describe('the embedded database in its thread', () => dataSuite(() => open('suite')))

test('a query of a second holds up nothing else', async () => {
  const { database, close } = await open('slow')
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const began = performance.now()
  await database.execute(sql`select count(*) from generate_series(1, 4000000)`)
  const took = performance.now() - began
  delay.disable()
  await close()
  console.log(
    `the query took ${Math.round(took)} ms; the event loop was held up ${Math.round(delay.max / 1e6)} ms at most`,
  )
  expect(took).toBeGreaterThan(200)
  expect(delay.max / 1e6).toBeLessThan(took / 2)
})

test('what is refused is refused with its code', async () => {
  const { database, close } = await open('slow')
  await expect(database.execute(sql`select 1 / 0`)).rejects.toMatchObject({ cause: { code: '22012' } })
  await close()
})
