/** What Bun and Deno would do otherwise than Node, left to themselves: seen from outside, in real processes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { freePort } from '../services/ports.ts'
import { findRuntimes } from '../services/runtimes.ts'
import { ask, eventsIn, expectRefusal, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { launch } from './launch.ts'
import { head, raw } from './raw.ts'

/** Longer than Bun lets a connection be silent, unless it is told otherwise; shorter than we do without a ping. */
const SILENCE = 12_000
/** More than Bun's own fetch sends at once. */
const MANY = 300

for (const found of await findRuntimes(['bun', 'deno'])) {
  if ('missing' in found) test.skip(found.missing, () => {})
  describe.skipIf('missing' in found)(`on ${found.host}`, () => {
    let fake: FakeBedrock
    let gateway: Gateway
    let key: string
    beforeAll(async () => {
      fake = await startFakeBedrock()
      gateway = await startGateway({ bedrock: fake, on: found.host })
      key = (await gateway.makeKey()).key
    })
    afterAll(async () => {
      await gateway.clear()
      await fake.close()
    })

    test('a stream that is silent for a while goes on', async () => {
      fake.script({ kind: 'stall', at: 3, ms: SILENCE })
      const begun = Date.now()
      const answer = await ask(gateway, said('!say hello', { stream: true }), { 'x-api-key': key })
      const events = eventsIn(await answer.text())
      expect(Date.now() - begun).toBeGreaterThanOrEqual(SILENCE)
      expect(events.at(-1)?.name).toBe('message_stop')
      expect(events.filter(({ name }) => name === 'ping' || name === 'error')).toEqual([])
    })

    test(`${MANY} streams go on at the same time, each with its own request upstream`, async () => {
      fake.reset()
      fake.script(...Array.from({ length: MANY }, () => slow(300)))
      const words = said('!long 20', { stream: true })
      const answers = Array.from({ length: MANY }, () => ask(gateway, words, { 'x-api-key': key }))
      await eventually(() => fake.seen[MANY - 1], { within: 30_000 })
      expect(fake.seen.filter(({ closedAt }) => closedAt === undefined).length).toBeGreaterThan(256)
      for (const answer of answers)
        expect(eventsIn(await (await answer).text()).at(-1)?.name).toBe('message_stop')
    })

    test('a body that is too large is refused in our words', async () => {
      const answer = await ask(gateway, ' '.repeat(25_000_001), { 'x-api-key': key })
      await expectRefusal(answer, 413, 'request_too_large', /maximum size of 25000000 bytes/)
    })

    test.each([
      ['words', 'hello there\r\n\r\n'],
      ['a header without a colon', head('/health', ['bad'], 'GET')],
      ['two lengths', `${head('/v1/messages', ['content-length: 1', 'content-length: 2'])}ab`],
      [
        'a length and chunks',
        `${head('/v1/messages', ['content-length: 1', 'transfer-encoding: chunked'])}0\r\n\r\n`,
      ],
    ])('what is not HTTP is refused, though not in our words: %s', async (_, noise) => {
      expect((await raw(gateway.port, noise)).status).toBe(400)
      expect((await fetch(`${gateway.url}/health`)).status).toBe(200)
    })

    test('headers of tens of kilobytes are let in', async () => {
      const long = await fetch(`${gateway.url}/health`, { headers: { 'x-long': 'a'.repeat(40_000) } })
      expect(long.status).toBe(200)
    })

    test('a port that is in use, by another of its kind too, is not shared', async () => {
      const second = await launch({ on: found.host, env: { PORT: String(gateway.port) } })
      expect(await second.exited).toEqual({ code: 1, signal: null })
      expect(second.stderr()).toMatch(/port is in use/)
      await second.clear()
    })

    test('a folder that is in use is left alone', async () => {
      const second = await launch({ on: found.host, dataDir: gateway.dataDir })
      expect(await second.exited).toEqual({ code: 1, signal: null })
      expect(second.stderr()).toMatch(/is in use by process \d+/)
      await second.clear()
      expect((await ask(gateway, hello(), { 'x-api-key': key })).status).toBe(200)
    })

    test('an upstream that nobody answers at is told from a slow one', async () => {
      const url = `http://127.0.0.1:${await freePort()}`
      const lost = await startGateway({ on: found.host, bedrock: { ...fake, url } })
      const made = await lost.makeKey()
      const answer = await ask(lost, hello(), { 'x-api-key': made.key })
      await expectRefusal(answer, 500, 'api_error', /could not reach/)
      await expect.poll(() => lost.stdout()).toContain('ECONNREFUSED')
      await lost.clear()
    })

    test('after all this it has complained of nothing', () => {
      expect(gateway.stderr()).toBe('')
    })
  })
}
