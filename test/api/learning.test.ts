import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { ADMIN_TOKEN } from '../runtime.ts'
import { gatewayOn, type TestGateway } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

const hello = {
  model: 'claude-opus-5',
  max_tokens: 100,
  stream: true,
  messages: [{ role: 'user', content: '!say hello' }],
}
const invented = { ...hello, invented_field: { deep: [1.0] } }

const outcomes = () => bedrock.seen.map(({ outcome }) => outcome)
const withBetas = (...betas: string[]) => ({ headers: { 'anthropic-beta': betas.join(',') } })
const removed = (response: Response) => response.headers.get('x-outcrop-removed')

async function answered(response: Response): Promise<Response> {
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('event: message_stop')
  return response
}

describe('a field that Bedrock refuses', () => {
  test('costs one hidden retry, and the next call none', async () => {
    const { post } = await gatewayOn(bedrock)
    expect(removed(await answered(await post(invented)))).toContain('invented_field')
    expect(outcomes()).toEqual(['refused', 'accepted'])
    expect(removed(await answered(await post(invented)))).toContain('invented_field')
    expect(outcomes()).toEqual(['refused', 'accepted', 'accepted'])
  })

  test('when the answer has begun already: the client sees one beginning', async () => {
    const { post } = await gatewayOn(bedrock)
    const message = 'stop_sequences: Extra inputs are not permitted'
    bedrock.script({ kind: 'exception', name: 'validationException', message, after: 1, pace: 30 })
    const response = await post({ ...hello, stop_sequences: ['x'] })
    const text = await response.text()
    expect(outcomes()).toEqual(['accepted', 'accepted'])
    expect(text.split('event: message_start')).toHaveLength(2)
    expect(text).toContain('event: message_stop')
  })

  test('is known after a restart, and to another replica, but not for another model', async () => {
    const first = await gatewayOn(bedrock)
    await answered(await first.post(invented))
    const second = await gatewayOn(bedrock)
    second.runtime.data.capabilities = first.runtime.data.capabilities
    await answered(await second.post(invented))
    expect(outcomes()).toEqual(['refused', 'accepted', 'accepted'])
    await answered(await second.post({ ...invented, model: 'claude-sonnet-5' }))
    expect(outcomes().slice(3)).toEqual(['refused', 'accepted'])
  })

  test('inside a tool goes from every tool, and from nothing else', async () => {
    const { post } = await gatewayOn(bedrock)
    const tool = (name: string) => ({
      name,
      input_schema: { type: 'object', properties: { novel: { type: 'number' } } },
      novel: true,
    })
    await answered(await post({ ...hello, tools: [tool('a'), tool('b')] }))
    const tools = [tool('a'), tool('b')].map(({ novel: _, ...rest }) => rest)
    expect(bedrock.seen.at(-1)?.body).toEqual(expect.objectContaining({ tools }))
  })

  test('is tried again when what was learned has expired', async () => {
    const { runtime, post } = await gatewayOn(bedrock)
    await answered(await post(invented))
    const { all } = runtime.data.capabilities
    runtime.data.capabilities.all = () => all(new Date(Date.now() + 25 * 3_600_000))
    runtime.cache.forget('capabilities')
    await answered(await post(invented))
    expect(outcomes()).toEqual(['refused', 'accepted', 'refused', 'accepted'])
  })

  test('is never something without which the request would be another', async () => {
    const { post } = await gatewayOn(bedrock)
    bedrock.script({
      kind: 'refuse',
      exception: 'ValidationException',
      message: 'messages: Extra inputs are not permitted',
    })
    const response = await post(hello)
    expect(response.status).toBe(400)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('that is not in the body is not looked for for ever', async () => {
    const { post } = await gatewayOn(bedrock)
    bedrock.script({
      kind: 'refuse',
      exception: 'ValidationException',
      message: 'nowhere.at_all: Extra inputs are not permitted',
    })
    expect((await post(hello)).status).toBe(400)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('one after another ends at a bound', async () => {
    const { post } = await gatewayOn(bedrock)
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`novel_${index}`, index]))
    expect((await post({ ...hello, ...many })).status).toBe(400)
    expect(bedrock.seen).toHaveLength(4)
  })
})

describe('a beta that Bedrock refuses', () => {
  test('without a name, alone among proven ones, is found by one hidden retry', async () => {
    const { post } = await gatewayOn(bedrock)
    const betas = withBetas('interleaved-thinking-2025-05-14', 'brand-new-2026-12-01')
    expect(removed(await answered(await post(hello, betas)))).toBe('brand-new-2026-12-01')
    expect(outcomes()).toEqual(['refused', 'accepted'])
    await answered(await post(hello, betas))
    expect(outcomes()).toEqual(['refused', 'accepted', 'accepted'])
    expect(bedrock.seen.at(-1)?.body).toMatchObject({ anthropic_beta: ['interleaved-thinking-2025-05-14'] })
  })

  test('without a name, among several, costs each later call at most one retry until it is found', async () => {
    const { post } = await gatewayOn(bedrock)
    const good = 'mid-conversation-tool-changes-2026-07-01'
    const betas = withBetas('bad-one-2026-12-01', good, 'bad-two-2026-12-01')
    const tries: number[] = []
    for (let call = 0; call < 5; call++) {
      bedrock.seen.length = 0
      await answered(await post(hello, betas))
      tries.push(bedrock.seen.length)
    }
    expect(Math.max(...tries)).toBe(2)
    expect(tries.at(-1)).toBe(1)
    expect(bedrock.seen.at(-1)?.body).toMatchObject({ anthropic_beta: [good] })
  })

  test('by name goes, under the name it was sent by', async () => {
    const { post } = await gatewayOn(bedrock)
    bedrock.script({
      kind: 'refuse',
      exception: 'ValidationException',
      message:
        'Unexpected value(s) `tool-search-tool-2025-10-19` for the `anthropic-beta` header. Please consult our documentation.',
    })
    await answered(await post(hello, withBetas('advanced-tool-use-2025-11-20', 'effort-2025-11-24')))
    expect(bedrock.seen.at(-1)?.body).toMatchObject({ anthropic_beta: ['effort-2025-11-24'] })
  })
})

test('thinking that somebody else signed is left out of one retry, and of nothing else', async () => {
  const { post } = await gatewayOn(bedrock)
  const turns = (thinking: object) => ({
    ...hello,
    messages: [
      { role: 'user', content: 'think' },
      { role: 'assistant', content: [thinking, { type: 'text', text: 'done' }] },
      { role: 'user', content: '!say hello' },
    ],
  })
  const foreign = { type: 'thinking', thinking: 'elsewhere', signature: 'Zm9yZWlnbg==' }
  await answered(await post(turns(foreign)))
  expect(outcomes()).toEqual(['refused', 'accepted'])
  expect(JSON.stringify(bedrock.seen.at(-1)?.body)).not.toContain('elsewhere')
  expect(JSON.stringify(bedrock.seen.at(-1)?.body)).toContain('done')
})

describe('what one caller does wrong', () => {
  const text = { type: 'text', text: '!say hello' }
  const tool = { name: 'look', description: 'Looks around.', input_schema: { type: 'object' } }
  const called = { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 1 } }
  const answer = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'seen' }
  const pixel =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } }
  const innocent = {
    ...hello,
    model: 'claude-sonnet-4-5',
    thinking: { type: 'enabled', budget_tokens: 2_000 },
    max_tokens: 4_000,
    tools: [tool],
    messages: [
      { role: 'user', content: [text] },
      { role: 'assistant', content: [called] },
      { role: 'user', content: [answer, text] },
    ],
  }
  const asked = (more: object) => ({ ...hello, model: 'claude-sonnet-4-5', ...more })
  const said = (content: object[]) => asked({ messages: [{ role: 'user', content }] })

  test.each([
    ['an image that has a text', said([{ ...image, text: 'x' }])],
    ['a text that has a signature', said([{ ...text, signature: 'x', input: {} }])],
    ['a text that has an id and a source', said([{ ...text, id: 'x', source: {} }])],
    [
      'a tool of its own kind that has a description',
      asked({ tools: [{ type: 'bash_20250124', name: 'bash', description: 'x' }] }),
    ],
    [
      'thinking that is off and has a budget',
      asked({ thinking: { type: 'disabled', budget_tokens: 2_000 } }),
    ],
    [
      'a choice of tools that has a name too many',
      asked({ tools: [tool], tool_choice: { type: 'auto', name: 'look' } }),
    ],
  ])('%s takes nothing from anybody else', async (_, wrong) => {
    const { post } = await gatewayOn(bedrock)
    await (await post(wrong)).text()
    await (await post(wrong)).text()
    bedrock.reset()
    const response = await answered(await post(innocent))
    expect(bedrock.seen).toHaveLength(1)
    expect(removed(response)).toBeNull()
    expect(bedrock.seen[0]?.body).toMatchObject({
      tools: [tool],
      messages: innocent.messages,
      thinking: innocent.thinking,
    })
  })

  test('a beta with a made-up date takes no good one from anybody else', async () => {
    const { post } = await gatewayOn(bedrock)
    const good = 'context-1m-2025-08-07'
    for (let day = 1; day <= 4; day++)
      await answered(await post(hello, withBetas(good, `effort-1999-01-0${day}`)))
    await answered(await post(hello, withBetas(good)))
    bedrock.reset()
    await answered(await post(hello, withBetas(good)))
    expect(bedrock.seen).toHaveLength(1)
    expect(bedrock.seen[0]?.body).toMatchObject({ anthropic_beta: [good] })
  })

  test('thousands of made-up betas are neither sent nor kept', async () => {
    const { runtime, post } = await gatewayOn(bedrock)
    const many = Array.from({ length: 3_000 }, (_, index) => `made-up-${index}`)
    await answered(await post(hello, withBetas(...many)))
    expect((await runtime.data.capabilities.all(new Date())).length).toBeLessThanOrEqual(64)
  })

  test('a beta by the name of what every object has is one like any other', async () => {
    const { post } = await gatewayOn(bedrock)
    await answered(await post(hello, withBetas('constructor', '__proto__', 'toString')))
  })
})

test('an outage of the store of lessons costs retries, not answers', async () => {
  const { runtime, post } = await gatewayOn(bedrock)
  runtime.data.capabilities.all = () => Promise.reject(new Error('down'))
  runtime.data.capabilities.learn = () => Promise.reject(new Error('down'))
  await answered(await post(invented))
  await answered(await post(invented))
  expect(outcomes()).toEqual(['refused', 'accepted', 'refused', 'accepted'])
})

describe('an admin', () => {
  const ask = (gateway: TestGateway, method: string, path: string, body?: object) =>
    app.request(
      path,
      {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      },
      gateway.runtime,
    )
  const verdict = { place: 'bedrock/invoke/us-east-1/claude-opus-5', kind: 'field', name: 'invented_field' }

  test('sees what was learned, pins what is known better, and has it forgotten', async () => {
    const gateway = await gatewayOn(bedrock)
    await answered(await gateway.post(invented))
    const list = async () =>
      ((await (await ask(gateway, 'GET', '/admin/capabilities')).json()) as { data: object[] }).data
    expect(await list()).toEqual([
      {
        ...verdict,
        verdict: 'refused',
        pinned: false,
        learned_at: expect.any(String),
        expires_at: expect.any(String),
      },
    ])

    expect(
      (await ask(gateway, 'PUT', '/admin/capabilities', { ...verdict, verdict: 'accepted' })).status,
    ).toBe(200)
    expect(await list()).toMatchObject([{ verdict: 'accepted', pinned: true, expires_at: null }])
    expect((await ask(gateway, 'DELETE', `/admin/capabilities?${new URLSearchParams(verdict)}`)).status).toBe(
      204,
    )
    expect(await list()).toEqual([])
    expect((await ask(gateway, 'DELETE', `/admin/capabilities?${new URLSearchParams(verdict)}`)).status).toBe(
      404,
    )
  })

  test('pins a beta as refused: it is not even tried', async () => {
    const gateway = await gatewayOn(bedrock)
    const pin = { ...verdict, kind: 'beta', name: 'effort-2025-11-24', verdict: 'refused' }
    await ask(gateway, 'PUT', '/admin/capabilities', pin)
    await answered(await gateway.post(hello, withBetas('effort-2025-11-24')))
    expect(bedrock.seen.at(-1)?.body).not.toHaveProperty('anthropic_beta')
  })

  test('reads from the metrics what was left out', async () => {
    const gateway = await gatewayOn(bedrock)
    await answered(await gateway.post(invented))
    const response = await ask(gateway, 'GET', '/metrics')
    expect(await response.text()).toContain(
      'outcrop_removed_total{place="bedrock/invoke/us-east-1/claude-opus-5",name="other"} 1',
    )
    expect((await app.request('/metrics', {}, gateway.runtime)).status).toBe(401)
  })
})
