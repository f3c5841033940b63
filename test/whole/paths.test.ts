/** The small paths beside messages: counting, the list of models, greetings, health, and whose call it was. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { throttle } from '../fakes/steps.ts'
import { ask, expectRefusal, hello, MODEL } from './caller.ts'
import { type Gateway, startGateway } from './gateway.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake })
  key = (await gateway.makeKey()).key
})
beforeEach(() => fake.reset())
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

function get(path: string, headers: Record<string, string> = { 'x-api-key': key }): Promise<Response> {
  return fetch(`${gateway.url}${path}`, { headers })
}

describe('count_tokens', () => {
  async function count(body: Record<string, unknown>) {
    const response = await ask(gateway, body, { 'x-api-key': key }, { path: '/v1/messages/count_tokens' })
    expect(response.status).toBe(200)
    return { estimated: response.headers.get('x-outcrop-estimated'), ...(await response.json()) }
  }

  test('is exact for a model that Bedrock counts for, and leaves no row', async () => {
    const body = hello({ model: 'claude-sonnet-4-6', max_tokens: undefined })
    const counted = await count(body)
    expect(counted).toEqual({ estimated: 'false', input_tokens: expect.any(Number) })
    expect(fake.seen).toMatchObject([{ operation: 'count', modelId: 'anthropic.claude-sonnet-4-6' }])
    expect(await gateway.spend()).toEqual([])
  })

  test('is estimated for others, and never less than the truth', async () => {
    const words = 'The rock shows where it comes to the surface. '.repeat(200)
    const body = hello({ messages: [{ role: 'user', content: words }] })
    const counted = await count(body)
    expect(counted).toMatchObject({ estimated: 'true' })
    expect(counted.input_tokens).toBeGreaterThan(words.length / 4)
    expect(fake.seen).toEqual([])
  })

  test('is estimated where Bedrock will not count now', async () => {
    fake.script({ ...throttle(), on: 'count' })
    expect(await count(hello({ model: 'claude-sonnet-4-6' }))).toMatchObject({ estimated: 'true' })
  })

  test('says what is wrong with the call', async () => {
    const body = hello({ model: 'claude-sonnet-4-6', stop_sequences: [' '] })
    const response = await ask(gateway, body, { 'x-api-key': key }, { path: '/v1/messages/count_tokens' })
    await expectRefusal(response, 400, 'invalid_request_error', /^stop_sequences: each stop sequence/)
  })
})

describe('models', () => {
  async function list(query = '', headers?: Record<string, string>) {
    const response = await get(`/v1/models${query}`, headers)
    expect(response.status).toBe(200)
    return response.json()
  }

  test('are listed in the shape of the Anthropic API, newest first', async () => {
    const page = await list('?limit=1000')
    expect(page).toMatchObject({ has_more: false, first_id: page.data[0].id, last_id: page.data.at(-1).id })
    expect(page.data).toContainEqual({
      type: 'model',
      id: MODEL,
      display_name: 'Claude Opus 5.5',
      created_at: '2026-09-22T00:00:00Z',
    })
    const dates = page.data.map((model: { created_at: string }) => model.created_at)
    expect(dates).toEqual(dates.toSorted().reverse())
  })

  test('come in pages, forwards and backwards', async () => {
    const { data: all } = await list('?limit=1000')
    const ids = (page: { data: { id: string }[] }) => page.data.map(({ id }) => id)
    const everyId = ids({ data: all })
    const forwards: string[] = []
    for (let after = ''; forwards.length < everyId.length; ) {
      const page = await list(`?limit=4${after}`)
      forwards.push(...ids(page))
      expect(page.has_more).toBe(forwards.length < everyId.length)
      after = `&after_id=${page.last_id}`
    }
    expect(forwards).toEqual(everyId)
    const back = await list(`?limit=3&before_id=${everyId[5]}`)
    expect(ids(back)).toEqual(everyId.slice(2, 5))
    expect(back.has_more).toBe(true)
    expect(await list(`?before_id=${everyId[0]}`)).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    })
  })

  test.each(['limit=0', 'limit=1001', 'limit=many', 'after_id=none', 'before_id='])(
    'are refused a page of %s',
    async (query) => {
      await expectRefusal(await get(`/v1/models?${query}`), 400, 'invalid_request_error', /limit|No model/)
    },
  )

  test('are found one by one, also by a name without its date', async () => {
    expect(await (await get(`/v1/models/${MODEL}`)).json()).toMatchObject({ type: 'model', id: MODEL })
    const dated = await (await get('/v1/models/claude-haiku-4-5')).json()
    expect(dated).toMatchObject({ id: 'claude-haiku-4-5-20251001' })
    await expectRefusal(await get('/v1/models/gpt-5'), 404, 'not_found_error', /'gpt-5' is not available/)
  })

  test('are only those the key may use', async () => {
    const narrow = await gateway.makeKey({ models: ['claude-haiku-*', 'claude-opus-5'] })
    const page = await list('', { 'x-api-key': narrow.key })
    expect(page.data.map(({ id }: { id: string }) => id)).toEqual([
      'claude-haiku-5-5',
      'claude-opus-5',
      'claude-haiku-4-5-20251001',
    ])
    await expectRefusal(
      await get(`/v1/models/${MODEL}`, { 'x-api-key': narrow.key }),
      404,
      'not_found_error',
      /not available/,
    )
  })
})

test.each(['/health', '/ready', '/api/hello'])('%s answers anybody, with HEAD too', async (path) => {
  const response = await get(path, {})
  expect(response.status).toBe(200)
  expect(response.headers.get('request-id')).toMatch(/^req_/)
  await response.json()
  const head = await fetch(`${gateway.url}${path}`, { method: 'HEAD' })
  expect(head.status).toBe(200)
  expect(await head.text()).toBe('')
})

test('the ids that a client sends of its session and agents are in the ledger, unless absurdly long', async () => {
  const made = await gateway.makeKey()
  const headers = {
    authorization: `Bearer ${made.key}`,
    'x-claude-code-session-id': 'session-1',
    'x-claude-code-agent-id': 'agent-2',
    'x-claude-code-parent-agent-id': 'agent-1',
  }
  await (await ask(gateway, hello(), headers)).text()
  const absurd = { 'x-api-key': made.key, 'x-claude-code-session-id': 'x'.repeat(129) }
  await (await ask(gateway, hello(), absurd, { path: '/v1/messages?beta=true' })).text()
  expect(await gateway.settled(2, { key: made.id })).toMatchObject([
    { session_id: 'session-1', agent_id: 'agent-2', parent_agent_id: 'agent-1' },
    { session_id: null, agent_id: null, parent_agent_id: null },
  ])
  expect(await gateway.spend({ session: 'session-1' })).toHaveLength(1)
})

test('nothing a client sends in headers reaches Bedrock', async () => {
  const own = ['accept', 'authorization', 'connection', 'content-length', 'content-type', 'host']
  const headers = {
    'x-api-key': key,
    cookie: 'a=b',
    'x-forwarded-for': '10.0.0.1',
    'anthropic-version': '2023-06-01',
  }
  expect((await ask(gateway, hello(), headers)).status).toBe(200)
  const names = Object.keys(fake.seen[0]?.headers ?? {}).filter((name) => !name.startsWith('x-amz-'))
  expect(names.toSorted()).toEqual(own)
})

test('the API description is open, names every path, and asks for the token', async () => {
  const response = await get('/admin/openapi.json', {})
  const document = await response.json()
  expect(response.status).toBe(200)
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/keys', '/keys/{id}', '/requests']))
  expect(document).toMatchObject({ openapi: '3.1.0', security: [{ adminToken: [] }] })
})
