import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { withoutServerTools, withServerTools } from '../../src/gateway/servertools.ts'
import { custom } from '../../src/search/custom.ts'
import { SearchError } from '../../src/search/engine.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { say } from '../fakes/steps.ts'
import { callOf } from '../providers/call.ts'
import { testRuntime } from '../runtime.ts'
import { ask, askRaw, engineThat, refusals, said, types } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => {
  expect(refusals(bedrock)).toEqual([])
  vi.useRealTimers()
})

const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const words = (text: string): PlanBlock => ({ type: 'text', text })
const plan = (...content: PlanBlock[]): Plan => ({ content })
const bodyOf = (index: number) => thing(bedrock.seen[index]?.body)
const messagesOf = (index: number) => things(bodyOf(index)['messages'])
const shapes = (content: readonly Thing[]) => content.map(({ type }) => type)

describe.each([
  ['streamed', true],
  ['in one piece', false],
])('a search, %s', (_, stream) => {
  test('is run, and the turn goes on with what it found', async () => {
    bedrock.script(say(plan(words('I look it up.'), search('marmots'))), say(plan(words('They whistle.'))))
    const chosen = engineThat()
    const { content, message, usage } = await ask(bedrock, said('What do marmots do?'), { chosen, stream })
    expect(chosen.asked).toMatchObject([{ query: 'marmots', count: 10, allowedDomains: [] }])
    expect(shapes(content)).toEqual(['text', 'server_tool_use', 'web_search_tool_result', 'text'])
    const [, call, result, answer] = content
    expect(call).toMatchObject({
      name: 'web_search',
      input: { query: 'marmots' },
      id: expect.stringMatching(/^srvtoolu_\w+$/),
    })
    expect(result).toMatchObject({
      tool_use_id: call?.['id'],
      content: [
        {
          type: 'web_search_result',
          url: 'https://marmots.test/alps',
          title: 'Alpine marmots',
          page_age: '2 days ago',
          encrypted_content: expect.stringMatching(/^b2Mx/),
        },
        { url: 'https://docs.rocks.test/a?b=1', title: 'Rocks & "stones"', page_age: null },
      ],
    })
    expect(answer).toMatchObject({ type: 'text', text: 'They whistle.' })
    expect(message).toMatchObject({ role: 'assistant', model: 'claude-opus-4-6', stop_reason: 'end_turn' })
    expect(usage['server_tool_use']).toEqual({ web_search_requests: 1, web_fetch_requests: 0 })
  })

  test('reaches the model as search results that it can cite', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('They whistle.'))))
    await ask(bedrock, said('What do marmots do?'), { stream })
    expect(bodyOf(0)['tools']).toEqual([
      expect.objectContaining({
        name: 'web_search',
        input_schema: expect.objectContaining({ required: ['query'] }),
      }),
    ])
    const [, assistant, user] = messagesOf(1)
    const use = things(assistant?.['content'])[0]
    expect(use).toMatchObject({ type: 'tool_use', name: 'web_search', input: { query: 'marmots' } })
    expect(user).toEqual({
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: use?.['id'],
          content: [
            {
              type: 'search_result',
              source: 'https://marmots.test/alps',
              title: 'Alpine marmots',
              content: [
                { type: 'text', text: 'They whistle.' },
                { type: 'text', text: 'Page age: 2 days ago' },
              ],
              citations: { enabled: true },
            },
            {
              type: 'search_result',
              source: 'https://docs.rocks.test/a?b=1',
              title: 'Rocks & "stones"',
              content: [{ type: 'text', text: 'They do not.' }],
              citations: { enabled: true },
            },
          ],
        },
      ],
    })
  })

  test('costs what its steps cost together', async () => {
    const first = {
      input_tokens: 100,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 7,
      output_tokens: 20,
    }
    const second = {
      input_tokens: 300,
      cache_read_input_tokens: 90,
      cache_creation_input_tokens: 5,
      output_tokens: 50,
    }
    const breakdown = (tokens: number) => ({
      cache_creation: { ephemeral_5m_input_tokens: tokens, ephemeral_1h_input_tokens: 0 },
    })
    bedrock.script(
      say({ ...plan(search('marmots')), usage: { ...first, ...breakdown(7) } }),
      say({ ...plan(words('They whistle.')), usage: { ...second, ...breakdown(5) } }),
    )
    const { events, usage, spent } = await ask(bedrock, said('What do marmots do?'), { stream })
    expect(usage).toMatchObject({
      input_tokens: 400,
      cache_read_input_tokens: 130,
      cache_creation_input_tokens: 12,
      cache_creation: { ephemeral_5m_input_tokens: 12, ephemeral_1h_input_tokens: 0 },
      output_tokens: 70,
    })
    expect(spent.at(-1)).toMatchObject({ input_tokens: 400, output_tokens: 70 })
    if (stream) {
      const [start] = events
      expect(thing(thing(start?.['message'])['usage'])).toMatchObject({ ...first, output_tokens: 1 })
    }
  })

  test('that finds nothing is an empty list, and the model hears so', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Nothing.'))))
    const { content, usage } = await ask(bedrock, said('?'), { chosen: engineThat(async () => []), stream })
    expect(content[1]).toMatchObject({ type: 'web_search_tool_result', content: [] })
    expect(usage['server_tool_use']).toMatchObject({ web_search_requests: 1 })
    const [result] = blocks(messagesOf(1)[2]?.['content'])
    expect(result).toMatchObject({ type: 'tool_result', content: 'The search found nothing.' })
    expect(result).not.toHaveProperty('is_error')
  })

  test.each([
    ['unavailable', new SearchError('unavailable', 'the engine answered 502'), 'the engine answered 502'],
    [
      'too_many_requests',
      new SearchError('too_many_requests', 'the engine answered 429'),
      'the engine answered 429',
    ],
    ['unavailable', new TypeError('what was asked: marmots'), 'the engine failed'],
  ])(
    'that fails is the error %s, which is not billed, and the answer goes on',
    async (code, failure, cause) => {
      bedrock.script(say(plan(search('marmots'))), say(plan(words('I cannot search.'))))
      const chosen = engineThat(() => Promise.reject(failure))
      const { content, message, usage, runtime } = await ask(bedrock, said('?'), { chosen, stream })
      expect(content[1]).toMatchObject({
        type: 'web_search_tool_result',
        tool_use_id: content[0]?.['id'],
        content: { type: 'web_search_tool_result_error', error_code: code },
      })
      expect(message['stop_reason']).toBe('end_turn')
      expect(usage['server_tool_use']).toMatchObject({ web_search_requests: 0 })
      expect(blocks(messagesOf(1)[2]?.['content'])).toMatchObject([{ type: 'tool_result', is_error: true }])
      expect(runtime.lines).toEqual([
        {
          level: 'warn',
          message: 'web search failed',
          fields: { id: 'req_test', engine: 'fake', error: code, cause },
        },
      ])
      expect(runtime.metrics.text()).toContain(
        `outcrop_web_searches_total{engine="fake",outcome="${code}"} 1`,
      )
    },
  )

  test('that takes too long is given up, and lets go of the engine', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('I cannot search.'))))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let left = false
    const chosen = engineThat((_query, { signal }) => {
      signal.addEventListener('abort', () => {
        left = true
      })
      return new Promise(() => {})
    })
    const asked = ask(bedrock, said('?'), { chosen, stream })
    while (chosen.asked.length === 0) await setImmediate()
    vi.advanceTimersByTime(9_999)
    await setImmediate()
    expect(left).toBe(false)
    vi.advanceTimersByTime(1)
    const { content, message } = await asked
    expect(left).toBe(true)
    expect(content[1]).toMatchObject({ content: { error_code: 'unavailable' } })
    expect(message['stop_reason']).toBe('end_turn')
  })
})

test('an engine goes out by the way that was chosen with it', async () => {
  bedrock.script(say(plan(search('marmots'))), say(plan(words('They whistle.'))))
  const asked: string[] = []
  const guarded = async (url: string) => {
    asked.push(url)
    return Response.json([{ url: 'https://a.test', title: 'A', snippet: 'a' }])
  }
  const settings = { url: 'https://search.test/' }
  const chosen = { engine: custom, settings, fetch: guarded }
  const { content } = await ask(bedrock, said('?'), { chosen })
  expect(asked).toEqual(['https://search.test/'])
  expect(content[1]).toMatchObject({ content: [{ url: 'https://a.test' }] })
})

describe('a call', () => {
  test('that has nothing to do with web search goes out as the very same object', async () => {
    const call = await callOf({
      ...said('hi'),
      tools: [{ name: 'web_search', input_schema: { type: 'object' } }],
    })
    const reply = { events: { next: async () => undefined, cancel: () => {} }, removed: [] }
    const sent: unknown[] = []
    const given = await withServerTools(
      call,
      async (each) => {
        sent.push(each)
        return reply
      },
      {
        ...testRuntime(),
        secretKeys: [],
        pages: undefined,
        engine: () => Promise.reject(new Error('not to be asked')),
      },
    )
    expect(sent).toEqual([call])
    expect(sent[0]).toBe(call)
    expect(given).toBe(reply)
  })

  test("whose model does not search is answered with the upstream's own events", async () => {
    bedrock.script(say(plan(words('No need to.'))))
    const { events, content, usage } = await ask(bedrock, said('hi'))
    expect(content).toEqual([{ type: 'text', text: 'No need to.' }])
    expect(usage).not.toHaveProperty('server_tool_use')
    expect(types(events).filter((type) => type === 'message_delta')).toHaveLength(1)
  })

  test('with a web search tool is refused where search is switched off, in words that help', async () => {
    await expect(ask(bedrock, said('hi'), { chosen: undefined })).rejects.toMatchObject({
      type: 'policy_blocked',
      status: 400,
      retry: false,
      message: expect.stringMatching(/switched off.*choose a search engine.*"deny": \["WebSearch"\]/),
    })
    expect(bedrock.seen).toEqual([])
  })

  test('may be counted: without the tool and the blocks that Bedrock does not know', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('They whistle.'))))
    const body = said('?')
    const { content } = await ask(bedrock, body)
    const later = {
      ...body,
      messages: [
        ...things(body['messages']),
        { role: 'assistant', content },
        { role: 'user', content: 'And?' },
      ],
    }
    const call = await callOf(later)
    const plain = await withoutServerTools(call, testRuntime().config)
    const text = new TextDecoder().decode(plain.body)
    expect(text).not.toMatch(/server_tool_use|web_search_tool_result|web_search_20250305/)
    expect(text).toContain('They whistle.')
    expect(await withoutServerTools(plain, { secretKeys: [] })).toBe(plain)
  })

  test('leaves every other byte of the request as it is', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Yes.'))))
    const odd =
      '{"name":"Odd","input_schema":{"type":"object","properties":{"n":{"const":12345678901234567890,"x":1.0}}}}'
    const tool =
      '{ "type" : "web_search_20260318", "name":"web_search" , "cache_control":{"type":"ephemeral"},"max_uses":3,"response_inclusion":"full","allowed_callers":["direct"] }'
    const body = `{"model":"claude-opus-4-6","max_tokens":4000,"tools":[${odd} , ${tool}],"messages":[ {"role":"user","content":"\\u00e9t\\u00e9 1.0"} ]}`
    await askRaw(bedrock, body)
    const [first, second] = bedrock.seen.map(({ bytes }) => bytes.toString())
    for (const sent of [first, second]) {
      expect(sent).toContain(`"tools":[${odd} , {"name":"web_search"`)
      expect(sent).toContain('[ {"role":"user","content":"\\u00e9t\\u00e9 1.0"}')
    }
    expect(thing(things(bodyOf(0)['tools'])[1])).toMatchObject({ cache_control: { type: 'ephemeral' } })
    expect(Object.keys(thing(things(bodyOf(0)['tools'])[1])).toSorted()).toEqual([
      'cache_control',
      'description',
      'input_schema',
      'name',
    ])
  })
})
