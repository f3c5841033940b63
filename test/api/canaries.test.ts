/**
 * Whatever a client says or is told, and every secret, is looked for in all that a gateway writes down and in every
 * error. An error may quote a caller's own words back to that caller.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Thing, thing, things } from '../fakes/json.ts'
import { say } from '../fakes/steps.ts'
import { C, request, type Surroundings, singing, startSurroundings, watched } from './canaries.ts'

let around: Surroundings
beforeAll(async () => {
  around = await startSurroundings()
})
afterAll(() => around.close())
beforeEach(() => around.bedrock.reset())

const image = (url: string) => ({ type: 'image', source: { type: 'url', url } })
function withImage(more: Thing): Thing {
  const { messages, ...rest } = request(more)
  const picture = { role: 'user', content: [image(`${around.origin}/${C.imagePath}.png`)] }
  return { ...rest, messages: [picture, ...things(messages)] }
}
const ANSWER = say({
  content: [
    { type: 'thinking', thinking: C.thought },
    { type: 'text', text: C.answer },
  ],
})
/** An engine's address is shown to the admin, who said it, and is kept readable. */
const KNOWN = ['enginePath in settings']
const engine = (query = '') => ({
  mode: 'all',
  engine: 'custom',
  settings: { url: `${around.origin}/${C.enginePath}${query}`, token: C.engineToken },
})
const SEARCHING = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }
const search = say({ content: [{ type: 'tool_use', name: 'web_search', input: { query: C.query } }] })
const asked = { ...SEARCHING, messages: [{ role: 'user', content: C.prompt }] }

describe('nothing of it is written down when all goes well', () => {
  test.each([true, false])('a request with everything in it, streamed: %s', async (stream) => {
    const gateway = await watched(around)
    around.bedrock.script(ANSWER)
    expect(await gateway.ask(withImage({ stream, thinking: { type: 'adaptive' } }))).toContain(
      'canary-answer',
    )
    const sent = JSON.stringify(around.bedrock.seen.map(({ body }) => body))
    for (const name of ['prompt', 'system', 'toolName', 'toolInput', 'toolResult'] as const)
      expect(sent).toContain(C[name])
    expect(gateway.runtime.rows).toMatchObject([{ status: 'succeeded' }])
    expect(await singing(gateway)).toEqual([])
  })

  test("Bedrock's own door, a count, an estimate, the models", async () => {
    const gateway = await watched(around)
    const { model: _, stream: __, ...body } = request({ anthropic_version: 'bedrock-2023-05-31' })
    const door = '/model/us.anthropic.claude-opus-4-6-v1/invoke'
    await gateway.ask(body, { path: door })
    await gateway.ask(body, { path: `${door}-with-response-stream` })
    await gateway.ask(request(), { path: '/v1/messages/count_tokens' })
    around.bedrock.script({ kind: 'refuse', exception: 'AccessDeniedException', on: 'count' })
    await gateway.ask(request(), { path: '/v1/messages/count_tokens' })
    expect(gateway.heard.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await singing(gateway)).toEqual([])
  })

  test('a search, and the conversation that goes on with it', async () => {
    const gateway = await watched(around)
    await gateway.admin('PUT', '/admin/search', engine())
    await gateway.admin('GET', '/admin/search')
    around.bedrock.script(search, ANSWER, ANSWER)
    const answer = await gateway.ask(request({ ...asked, stream: false }))
    const { content } = thing(JSON.parse(answer))
    expect(JSON.stringify(content)).toContain(C.pageTitle)
    const messages = [...asked.messages, { role: 'assistant', content }, { role: 'user', content: 'Sure?' }]
    await gateway.ask(request({ ...asked, messages }))
    expect(JSON.stringify(around.bedrock.seen.at(-1)?.body)).toContain(C.pageText)
    await gateway.runtime.settled()
    expect(gateway.runtime.rows).toMatchObject([{ webSearches: 1 }, { webSearches: 0 }])
    expect(await singing(gateway)).toEqual(KNOWN)
  })
})

describe('nothing of it is written down when it goes wrong', () => {
  const QUOTED = `what you said, ${C.prompt}, is wrong`

  test.each([true, false])(
    'Bedrock quotes a prompt where it finds fault with it, streamed: %s',
    async (stream) => {
      const gateway = await watched(around)
      around.bedrock.script({ kind: 'refuse', exception: 'ValidationException', message: QUOTED })
      expect(await gateway.ask(request({ stream }))).toContain(C.prompt)
      expect(await singing(gateway, ['prompt'])).toEqual([])
    },
  )

  test('Bedrock quotes a prompt where it finds fault with it in mid-stream', async () => {
    const gateway = await watched(around)
    const fault = { kind: 'exception', name: 'validationException', message: QUOTED, after: 6 } as const
    around.bedrock.script({ ...ANSWER, ...fault })
    await gateway.ask(request({ thinking: { type: 'adaptive' } }))
    await gateway.runtime.settled()
    expect(gateway.runtime.rows).toMatchObject([{ status: 'failed_midstream' }])
    expect(await singing(gateway)).toEqual([])
  })

  /** Of access and models the operator reads what AWS said, word for word; of anything else the name. */
  test.each([
    'ThrottlingException',
    'ServiceUnavailableException',
    'ModelTimeoutException',
    'ModelErrorException',
    'InternalServerException',
  ] as const)('Bedrock quotes a prompt in a %s, which it has not been seen to do', async (exception) => {
    const gateway = await watched(around)
    around.bedrock.script({ kind: 'refuse', exception, message: QUOTED })
    await gateway.ask(request())
    expect(await singing(gateway, ['prompt'])).toEqual([])
  })

  test('a body that is no JSON, or not what a request is', async () => {
    const gateway = await watched(around)
    await gateway.ask(`{"model":"claude-opus-4-6","messages":[{"role":"user","content":"${C.prompt}" oops`)
    await gateway.ask(request({ messages: C.prompt }))
    await gateway.ask(request({ max_tokens: C.prompt }))
    await gateway.ask({ ...request(), tools: [{ ...SEARCHING.tools[0], max_uses: C.toolInput }] })
    expect(gateway.heard.map(({ status }) => status)).toEqual([400, 400, 400, 400])
    expect(await singing(gateway)).toEqual([])
  })

  test('a key that nobody knows, and a token that is not the admin’s', async () => {
    const gateway = await watched(around)
    for (const key of [C.strangersKey, `oc_${C.strangersKey}`]) {
      await gateway.ask(request(), { headers: { 'x-api-key': key } })
      await gateway.ask(request(), { headers: { 'x-api-key': '', authorization: `Bearer ${key}` } })
      await gateway.admin('GET', '/admin/keys', undefined, key)
      await gateway.admin('GET', '/metrics', undefined, key)
    }
    expect(new Set(gateway.heard.map(({ status }) => status))).toEqual(new Set([401]))
    expect(await singing(gateway)).toEqual([])
  })

  test.each([
    ['a status', () => `${around.origin}/${C.imagePath}?status=404`],
    ['something else', () => `${around.origin}/${C.imagePath}`],
    ['nowhere', () => `http://127.0.0.1:1/${C.imagePath}`],
    ['somebody inside', () => `http://169.254.169.254/${C.imagePath}`],
    ['a name and a password', () => `http://${C.imageUser}:x@127.0.0.1/${C.imagePath}`],
    ['no address at all', () => `file:///${C.imagePath}`],
  ])('an image whose URL leads to %s', async (_, url) => {
    const gateway = await watched(around)
    await gateway.ask(request({ messages: [{ role: 'user', content: [image(url())] }] }))
    expect(gateway.heard.map(({ status }) => status)).toEqual([400])
    expect(await singing(gateway)).toEqual([])
  })

  test.each([
    ['answers 500', '?status=500'],
    ['answers 429', '?status=429'],
    ['answers a picture', '/x.png'],
  ])('an engine that %s', async (_, query) => {
    const gateway = await watched(around)
    await gateway.admin('PUT', '/admin/search', engine(query))
    around.bedrock.script(search, ANSWER)
    expect(await gateway.ask(request({ ...asked, stream: false }))).toContain('web_search_tool_result_error')
    expect(gateway.runtime.lines.map(({ message }) => message)).toContain('web search failed')
    expect(await singing(gateway)).toEqual(KNOWN)
  })

  test('an engine whose settings are wrong', async () => {
    const gateway = await watched(around)
    const settings = { url: C.enginePath, token: C.engineToken }
    await gateway.admin('PUT', '/admin/search', { mode: 'all', engine: 'custom', settings })
    await gateway.admin('PUT', '/admin/search', { mode: 'all', engine: C.engineToken, settings })
    expect(gateway.heard.map(({ status }) => status)).toEqual([400, 400])
    expect(await singing(gateway)).toEqual([])
  })

  const fails = () => Promise.reject(new Error(`insert … params: ${C.prompt}, ${C.engineToken}`))

  test('a database that fails for keys, lessons and the ledger, and says with what', async () => {
    const gateway = await watched(around)
    const { data, cache } = gateway.runtime
    const { all } = data.capabilities
    Object.assign(data.ledger, { write: fails })
    Object.assign(data.capabilities, { learn: fails, all: fails })
    await gateway.ask(request({ novel_field: true }))
    cache.forget('capabilities')
    Object.assign(data.keys, { byHash: fails })
    const another = `${gateway.headers['x-api-key'].slice(0, -6)}AAAAAA`
    await gateway.ask(request(), { headers: { 'x-api-key': another } })
    expect(gateway.heard.map(({ status }) => status)).toEqual([200, expect.any(Number)])
    data.capabilities.all = all
    expect(await singing(gateway)).toEqual([])
  })

  test('a database that fails for settings, and says with what', async () => {
    const gateway = await watched(around)
    Object.assign(gateway.runtime.data.settings, { get: fails })
    await gateway.ask(request(asked))
    expect(await singing(gateway)).toEqual([])
  })

  test('a network that fails and says where', async () => {
    const gateway = await watched(around)
    gateway.runtime.fetch = () =>
      Promise.reject(
        new TypeError('fetch failed', { cause: new Error(`connect ${C.prompt} ${C.accessKeySecret}`) }),
      )
    await gateway.ask(request())
    expect(gateway.heard.every(({ status }) => status >= 500)).toBe(true)
    expect(await singing(gateway)).toEqual([])
  })

  test('an API key of Bedrock’s that breaks over two lines', async () => {
    const gateway = await watched(around)
    const bedrock = { get: async () => ({ bearer: `${C.accessKeySecret}\nb` }), reject() {} }
    gateway.runtime.credentials = { ...gateway.runtime.credentials, bedrock }
    await gateway.ask(request())
    expect(gateway.heard.map(({ status }) => status)).toEqual([500])
    expect(await singing(gateway)).toEqual([])
  })

  test('a parameter of a tool that Bedrock objects to is not learned by its name', async () => {
    const gateway = await watched(around)
    const message = `tools.0.custom.input_schema.properties.${C.toolParameter}: Extra inputs are not permitted`
    around.bedrock.script({ kind: 'refuse', exception: 'ValidationException', message })
    await gateway.ask(request())
    expect(await singing(gateway, ['toolParameter'])).toEqual([])
  })
})
