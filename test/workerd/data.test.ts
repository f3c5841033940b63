/** What every database must do, in workerd: a Postgres behind Hyperdrive, and Neon over HTTP and over a WebSocket. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { Database, OpenDatabase } from '../../src/data/database.ts'
import { openHyperdrive } from '../../src/data/hyperdrive.ts'
import { openNeon } from '../../src/data/neon.ts'
import { booksSuite } from '../data/bookssuite.ts'
import { dataSuite } from '../data/suite.ts'
import { findNeonAt } from '../fakes/neonworker.ts'

const { neonHost, neonHttp, neonWebSocket } = inject('services')

describe.skipIf(neonHost === '')('in workerd', () => {
  beforeAll(() => findNeonAt(neonHost))

  test('it is workerd that this runs in', () => {
    expect(navigator.userAgent).toBe('Cloudflare-Workers')
  })

  describe('a Postgres behind Hyperdrive', () =>
    dataSuite(async () => openHyperdrive(env.HYPERDRIVE?.connectionString ?? '')))

  describe('Neon over HTTP', () => dataSuite(async () => openNeon(neonHttp, 'http'), { transactions: false }))

  // After the suite before it, on the same database: one statement at a time is all that it has.
  describe('the books at Neon over HTTP', () => books(() => openNeon(neonHttp, 'http')))

  describe('Neon over a WebSocket', () => dataSuite(async () => openNeon(neonWebSocket, 'websocket')))
})

function books(open: () => OpenDatabase) {
  let stage: { data: Data; database: Database }
  beforeAll(() => {
    const { database, loose = false } = open()
    stage = { database, data: dataIn(database, () => {}, { loose }) }
  })
  booksSuite(() => stage)
}
