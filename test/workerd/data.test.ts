/** What every database must do, in workerd: a Postgres behind Hyperdrive, and Neon over HTTP and over a WebSocket. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { openHyperdrive } from '../../src/data/hyperdrive.ts'
import { openNeon } from '../../src/data/neon.ts'
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

  describe('Neon over HTTP', () => dataSuite(async () => openNeon(neonHttp, 'http')))

  describe('Neon over a WebSocket', () => dataSuite(async () => openNeon(neonWebSocket, 'websocket')))
})
