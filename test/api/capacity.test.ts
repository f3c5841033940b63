/** A process that has as much under way as it takes on: who is sent away, when, and when there is room again. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { capacityOf } from '../../src/gateway/admit.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { throttle } from '../fakes/steps.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const call = {
  model: 'claude-opus-5-5',
  max_tokens: 100,
  stream: true,
  messages: [{ role: 'user', content: '!say hello' }],
}

const oneAtATime = () => gatewayOn(bedrock, { capacity: capacityOf(1) })

test('past capacity a request is refused before its body is read, and asked to come again', async () => {
  const { post, runtime, headers } = await oneAtATime()
  const first = await post(call)
  expect(first.status).toBe(200)
  const read: string[] = []
  const body = new ReadableStream<Uint8Array>({ pull: () => void read.push('asked') }, { highWaterMark: 0 })
  const init = { method: 'POST', headers, body, duplex: 'half' } as const
  const second = await app.request('/v1/messages', init, runtime)
  expect([second.status, second.headers.get('retry-after'), read]).toEqual([529, '1', []])
  expect(await second.json()).toMatchObject({ error: { type: 'overloaded_error' } })
  expect(runtime.metrics.text()).toContain('outcrop_shed_total 1')
  await first.text()
  expect((await post(call)).status).toBe(200)
})

test.each([
  ['its client goes', async (answer: Response) => void (await answer.body?.cancel())],
  ['it is read to its end', async (answer: Response) => void (await answer.text())],
])('an answer makes room when %s', async (_, end) => {
  const { post } = await oneAtATime()
  for (let turn = 0; turn < 3; turn++) {
    const answer = await post(call)
    expect(answer.status).toBe(200)
    await end(answer)
  }
})

test('a request that is refused makes room, whoever refuses it', async () => {
  const { post } = await oneAtATime()
  expect((await post('{')).status).toBe(400)
  bedrock.script(throttle())
  expect((await post(call)).status).toBe(429)
  expect((await post(call)).status).toBe(200)
})

test('a stranger is told so, however full it is', async () => {
  const { post } = await oneAtATime()
  await post(call)
  expect((await post(call, { headers: { 'x-api-key': 'nobody' } })).status).toBe(401)
})
