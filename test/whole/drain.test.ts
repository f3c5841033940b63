/**
 * How the gateway ends, on every host alike: asked to, it lets answers under way finish; killed, the next start says
 * what was lost.
 */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { findRuntimes } from '../services/runtimes.ts'
import { ask, eventsIn, expectRefusal, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts'
import { refuses } from './raw.ts'
import { stream } from './streams.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock()
})
afterAll(() => fake.close())

const open: Gateway[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.clear()))
  fake.reset()
})

/** About a second and a half of stream. */
const WORDS = '!long 30'
const PACE = 50

/** Something on its way in when the signal comes: the head of a request, all but its last line. */
async function halfSent(port: number, path: string) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n`)
  const heard = readText(socket).catch(String)
  return {
    async finish() {
      socket.write('\r\n')
      return heard
    },
  }
}

for (const found of await findRuntimes(['node', 'bun', 'deno'])) {
  if ('missing' in found) test.skip(found.missing, () => {})
  describe.skipIf('missing' in found)(`on ${found.host}`, () => {
    async function started(options: GatewayOptions = {}): Promise<Gateway> {
      const gateway = await startGateway({ bedrock: fake, on: found.host, ...options })
      open.push(gateway)
      return gateway
    }

    /** The rows that a next start on the same folder finds. */
    async function rowsAfter({ dataDir }: Gateway) {
      const next = await started({ dataDir })
      return { rows: await next.spend(), next }
    }

    test('SIGINT is as good; idle connections hold nothing up', async () => {
      const gateway = await started()
      const agent = new Agent({ keepAlive: true })
      await new Promise<void>((resolve) => {
        request({ host: '127.0.0.1', port: gateway.port, path: '/ready', agent }, (answer) => {
          answer.resume().once('end', resolve)
        }).end()
      })
      const begun = Date.now()
      gateway.signal('SIGINT')
      expect(await gateway.exited).toEqual({ code: 0, signal: null })
      expect(Date.now() - begun).toBeLessThan(5_000)
      agent.destroy()
    })

    test('a caller that asks again and again on the same connection cannot keep the gateway from stopping', async () => {
      const gateway = await started()
      const { key } = await gateway.makeKey()
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const heard = (words: string) => {
        const body = JSON.stringify(said(words, { stream: true }))
        const headers = { 'x-api-key': key, 'content-type': 'application/json' }
        const where = { host: '127.0.0.1', port: gateway.port, method: 'POST', path: '/v1/messages' }
        return new Promise<string>((resolve) => {
          const sent = request({ ...where, agent, headers }, (answer) =>
            resolve(readText(answer).catch(String)),
          )
          sent.once('error', (error) => resolve(error.message))
          sent.end(body)
        })
      }
      fake.script(slow(PACE))
      const first = heard(WORDS)
      await eventually(() => fake.seen[0])
      const exit = gateway.stop()
      expect(await first).toContain('message_stop')
      let more = 0
      while (more < 20 && (await heard('!say again')).includes('message_stop')) more++
      agent.destroy()
      expect(await exit).toEqual({ code: 0, signal: null })
      expect(more).toBe(0)
    })

    test('a caller that hangs up while the gateway is stopping has its row settled', async () => {
      const gateway = await started()
      const { key } = await gateway.makeKey()
      fake.script({ kind: 'stall', at: 3 })
      const caller = stream(gateway.port, key, WORDS)
      await caller.answered
      const exit = gateway.stop()
      await eventually(async () => ((await refuses(gateway.port)) ? true : undefined), { within: 2_000 })
      caller.hangUp()
      expect(await exit).toEqual({ code: 0, signal: null })
      expect((await rowsAfter(gateway)).rows).toMatchObject([
        { status: 'cancelled', usage_source: 'partial' },
      ])
    })

    test('at the limit streams get a last event that says so, what has not begun is refused, every row is settled', async () => {
      const gateway = await started({ env: { DRAIN_SECONDS: '1' } })
      const { key } = await gateway.makeKey()
      fake.script({ kind: 'stall', at: 3 }, { kind: 'stall', at: 'before headers' })
      const response = await ask(gateway, said(WORDS, { stream: true }), { 'x-api-key': key })
      const silent = ask(gateway, said(WORDS, { stream: true }), { 'x-api-key': key })
      await eventually(() => fake.seen[1])
      const begun = Date.now()
      const exit = gateway.stop()
      const events = eventsIn(await response.text())
      expect(events.at(-1)).toMatchObject({ name: 'error', data: { error: { type: 'overloaded_error' } } })
      expect(await exit, gateway.stderr()).toEqual({ code: 0, signal: null })
      await expectRefusal(await silent, 529, 'overloaded_error', /was stopped before/)
      expect(Date.now() - begun).toBeGreaterThanOrEqual(1_000)
      expect(Date.now() - begun).toBeLessThan(10_000)
      const { rows } = await rowsAfter(gateway)
      expect(rows).toMatchObject([
        { status: 'failed_midstream', error_type: 'overloaded_error', usage_source: 'partial' },
        { status: 'cancelled', usage_source: 'estimated' },
      ])
    })

    test('what comes in on an open connection is told to go elsewhere, in words; whether it is ready, too', async () => {
      const gateway = await started()
      const { key } = await gateway.makeKey()
      fake.script(slow(PACE))
      const response = await ask(gateway, said(WORDS, { stream: true }), { 'x-api-key': key })
      const [ready, models] = [
        await halfSent(gateway.port, '/ready'),
        await halfSent(gateway.port, '/v1/models'),
      ]
      await eventually(async () => ((await fetch(`${gateway.url}/health`)).ok ? true : undefined)) // both were read
      const exit = gateway.stop()
      await eventually(async () => ((await refuses(gateway.port)) ? true : undefined), { within: 2_000 })
      const refusals = [await ready.finish(), await models.finish()]
      if (found.host === 'deno') {
        expect(refusals).toEqual(['', '']) // Deno closes such connections before anybody can say a word
      } else {
        expect(refusals[0]).toMatch(/^HTTP\/1.1 503 .*connection: close.*overloaded_error/is)
        expect(refusals[1]).toMatch(/^HTTP\/1.1 529 .*retry-after: 1\r\n.*overloaded_error/is)
      }
      expect(eventsIn(await response.text()).at(-1)?.name).toBe('message_stop')
      expect(await exit).toEqual({ code: 0, signal: null })
    })

    test('a second signal ends it at once', async () => {
      const gateway = await started()
      const { key } = await gateway.makeKey()
      fake.script({ kind: 'stall', at: 3 })
      await stream(gateway.port, key, WORDS).answered
      gateway.signal('SIGTERM')
      await eventually(async () => ((await refuses(gateway.port)) ? true : undefined), { within: 2_000 })
      expect(gateway.isRunning()).toBe(true)
      gateway.signal('SIGINT')
      expect(await gateway.exited).toEqual({ code: 1, signal: null })
    })

    test('kill -9 in the middle of streams: the next start marks their rows as lost, and says how many', async () => {
      const gateway = await started()
      const { key } = await gateway.makeKey()
      fake.script({ kind: 'answer' }, { kind: 'stall', at: 3 }, { kind: 'stall', at: 'before headers' })
      await (await ask(gateway, said('x'), { 'x-api-key': key })).text()
      await stream(gateway.port, key, WORDS).answered
      stream(gateway.port, key, WORDS)
      await eventually(async () => ((await gateway.spend()).length === 3 ? true : undefined))
      await gateway.kill()
      const { rows, next } = await rowsAfter(gateway)
      expect(rows.map(({ status }) => status)).toEqual(['succeeded', 'lost', 'lost'])
      expect(rows[1]).toMatchObject({
        model: 'claude-opus-5-5',
        key_id: rows[0]?.key_id,
        usage_source: 'estimated',
      })
      await expect.poll(() => next.stdout()).toMatch(/"lost":2/)
      expect((await ask(next, said('x'), { 'x-api-key': key })).status).toBe(200)
    })
  })
}
