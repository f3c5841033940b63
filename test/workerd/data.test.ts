/** What every database must do, in workerd: a Postgres behind Hyperdrive, and Neon over HTTP and over a WebSocket. */
import { env } from 'cloudflare:workers'
import { neonConfig } from '@neondatabase/serverless'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { openHyperdrive } from '../../src/data/hyperdrive.ts'
import { openNeon } from '../../src/data/neon.ts'
import { dataSuite } from '../data/suite.ts'

const { neonHost, neonHttp, neonWebSocket } = inject('services')

describe.skipIf(neonHost === '')('in workerd', () => {
  beforeAll(() => {
    neonConfig.fetchEndpoint = `http://${neonHost}/sql`
    neonConfig.wsProxy = (host, port) => `${neonHost}/v2?address=${host}:${port}`
    neonConfig.useSecureWebSocket = false
    neonConfig.pipelineTLS = false
    neonConfig.pipelineConnect = false
  })

  test('it is workerd that this runs in', () => {
    expect(navigator.userAgent).toBe('Cloudflare-Workers')
  })

  describe('a Postgres behind Hyperdrive', () =>
    dataSuite(async () => openHyperdrive(env.HYPERDRIVE?.connectionString ?? '')))

  describe('Neon over HTTP', () => dataSuite(async () => openNeon(neonHttp, 'http')))

  describe('Neon over a WebSocket', () => dataSuite(async () => openNeon(neonWebSocket, 'websocket')))
})
