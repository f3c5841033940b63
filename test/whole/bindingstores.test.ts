/** Bindings in a real Redis, over TCP and over HTTP: what every store must do, in one command each time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { SharedBindings } from '../../src/data/bindings.ts'
import { holders } from '../../src/data/limits/holders.ts'
import { openRedis } from '../../src/data/limits/redis.ts'
import { upstashBindings } from '../../src/data/limits/upstash.ts'
import { storesFor } from '../../src/edge/limits.ts'
import { openLimits } from '../../src/host/limits.ts'
import { counters } from '../../src/protocol/metrics.ts'
import { bindingsSuite } from '../data/bindingssuite.ts'
import { type FakeUpstash, startFakeUpstash } from '../fakes/upstash.ts'
import { findRedis, type Redis } from '../services/redis.ts'

const found = await findRedis()
if ('missing' in found) test.skip(found.missing, () => {})

describe.skipIf('missing' in found)('bindings in a real Redis', () => {
  let redis: Redis
  let upstash: FakeUpstash
  let client: Client
  beforeAll(async () => {
    if ('missing' in found) throw new Error(found.missing)
    redis = await found.start()
    upstash = await startFakeUpstash(redis.url)
    client = new Client(redis.url)
  })
  afterAll(async () => {
    client.disconnect()
    await upstash.close()
    await redis.close()
  })

  const overTcp = () => openRedis(redis.url, 5_000, { holders: holders({ now: Date.now }), liveness: 60_000 })
  const overHttp = async () => ({ bindings: upstashBindings(upstash), close() {} })

  describe.each([
    ['TCP', overTcp],
    ['HTTP', overHttp],
  ])('over %s', (_, open) => {
    bindingsSuite(open, sleep)

    test('are found in one command and kept in one, and the store says who was faster', async () => {
      const { bindings, close } = await open()
      const name = `counted ${process.pid} ${Date.now()}`
      await bindings.find([name])
      const sent: string[] = []
      const monitor = await client.monitor()
      monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
        if (source !== 'lua') sent.push(command.toLowerCase())
      })
      await bindings.find([name, `${name} of its session`])
      expect(await bindings.keep(name, { from: undefined, to: 'a', lasts: 60_000 })).toBe('a')
      expect(await bindings.keep(name, { from: undefined, to: 'b', lasts: 60_000 })).toBe('a')
      await client.ping()
      await expect.poll(() => sent).toEqual(['mget', 'eval', 'eval', 'ping'])
      monitor.disconnect()
      close()
    })
  })

  test('over TCP and over HTTP are the same ones', async () => {
    const [tcp, http] = [await overTcp(), await overHttp()]
    const name = `same ${process.pid} ${Date.now()}`
    await tcp.bindings.keep(name, { from: undefined, to: 'a', lasts: 60_000 })
    expect(await http.bindings.find([name])).toEqual(['a'])
    tcp.close()
  })

  test('of a process and of an isolate are told to the store that both share', async () => {
    const lent = { log() {}, metrics: counters(), now: Date.now }
    const host = await openLimits(readConfig({ REDIS_URL: redis.url }), lent, undefined)
    const { bindings: edge } = storesFor({ kind: 'upstash', ...upstash }, lent)(() => {})
    const name = `places ${process.pid} ${Date.now()}`
    await host.bindings.keep(name, { from: undefined, to: 'a', lasts: 60_000 })
    expect(await edge.find([name])).toEqual(['a'])
    host.close()
  })

  test('an answer that is none is an error, and never a binding', async () => {
    const bindings: SharedBindings = upstashBindings(upstash)
    for (const body of ['{"result":null}', '{"result":["a"]}', '{"result":7}', '<html>']) {
      upstash.failure = { status: 200, body }
      await expect(bindings.find(['a', 'b']), body).rejects.toThrow()
    }
    for (const body of ['{"result":null}', '{"result":7}', '<html>']) {
      upstash.failure = { status: 200, body }
      await expect(bindings.keep('a', { from: undefined, to: 'b', lasts: 1_000 }), body).rejects.toThrow()
    }
    upstash.failure = undefined
  })
})
