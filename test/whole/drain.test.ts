/** How the gateway ends: asked to, it lets answers under way finish; killed, the next start says what was lost. */
import { Agent, request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { ask, said } from './caller.ts'
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

async function started(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await startGateway({ bedrock: fake, ...options })
  open.push(gateway)
  return gateway
}

/** The rows that a next start on the same folder finds. */
async function rowsAfter({ dataDir }: Gateway) {
  const next = await started({ dataDir })
  return { rows: await next.spend(), next }
}

/** About a second and a half of stream. */
const WORDS = '!long 30'
const PACE = 50

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
      const sent = request({ ...where, agent, headers }, (answer) => resolve(readText(answer).catch(String)))
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
  // One more may have been on its way already.
  expect(more).toBeLessThanOrEqual(1)
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
  expect((await rowsAfter(gateway)).rows).toMatchObject([{ status: 'cancelled', usage_source: 'partial' }])
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
  expect(rows[1]).toMatchObject({ model: 'claude-opus-5-5', key_id: rows[0]?.key_id, cost_nano: null })
  expect(next.stdout()).toMatch(/"requests":2/)
  expect((await ask(next, said('x'), { 'x-api-key': key })).status).toBe(200)
})
