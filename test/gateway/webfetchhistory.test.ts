import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withServerTools } from '../../src/gateway/servertools.ts'
import type { Call } from '../../src/protocol/messages.ts'
import type { Events } from '../../src/protocol/streams.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { say } from '../fakes/steps.ts'
import { callOf } from '../providers/call.ts'
import { testRuntime } from '../runtime.ts'
import { html, pdf, plain, webOf } from './pages.ts'
import { ask, refusals, TOOL as SEARCH, said } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => expect(refusals(bedrock)).toEqual([]))

const FETCH = { type: 'web_fetch_20250910', name: 'web_fetch' }
const ALPS = 'https://marmots.example/alps'
const fetch = (url: string): PlanBlock => ({ type: 'tool_use', name: 'web_fetch', input: { url } })
const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const words = (text: string): PlanBlock => ({ type: 'text', text })
const plan = (...content: PlanBlock[]): Plan => ({ content })
const lastBody = () => thing(bedrock.seen.at(-1)?.body)
const lastMessages = () => things(lastBody()['messages'])
const shapes = (content: readonly Thing[]) => content.map(({ type }) => type)
const user = (content: unknown): Thing => ({ role: 'user', content })
const assistant = (content: unknown): Thing => ({ role: 'assistant', content })

/** What Anthropic's API made of a fetch. */
const FOREIGN = [
  { type: 'server_tool_use', id: 'srvtoolu_01AbC', name: 'web_fetch', input: { url: ALPS } },
  {
    type: 'web_fetch_tool_result',
    tool_use_id: 'srvtoolu_01AbC',
    content: {
      type: 'web_fetch_result',
      url: ALPS,
      content: {
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'They whistle.' },
        title: 'Alps',
        citations: { enabled: true },
      },
      retrieved_at: '2025-08-25T10:30:00Z',
    },
  },
]

describe('a conversation that goes on after a fetch', () => {
  const webs = {
    text: html('<title>Alps &amp; "more"</title><p>They whistle — 😀.'),
    empty: plain(''),
    pdf: pdf(),
    none: () => new Response('', { status: 404 }),
  }

  test.each(
    Object.entries(webs).flatMap(([name, page]) => [
      { name, page, cited: true },
      { name, page, cited: false },
    ]),
  )('is to the model the one it had: $name, cited: $cited', async ({ page, cited }) => {
    const tools = [SEARCH, { ...FETCH, citations: { enabled: cited } }]
    const web = webOf({ [ALPS]: page })
    const messages: Thing[] = []
    bedrock.script(
      say(plan(words('I look.'), fetch(ALPS))),
      say(plan(search('marmots'), fetch(ALPS))),
      say(plan(words('One.'))),
      say(plan(words('Two.'))),
      say(plan(words('Three.'))),
    )
    for (const asked of [`See ${ALPS}`, 'And?', 'So?']) {
      messages.push(user(asked))
      const before = bedrock.seen.length === 0 ? '[' : JSON.stringify(lastMessages())
      const { content } = await ask(bedrock, said('', { messages, tools }), { web: web.egress })
      messages.push(assistant(content))
      expect(JSON.stringify(lastMessages())).toContain(before.slice(0, -1))
    }
    expect(web.asked).toEqual([ALPS, ALPS])
    expect(bedrock.seen).toHaveLength(5)
    expect(JSON.stringify(bedrock.seen.map(({ body }) => body))).not.toMatch(/srvtoolu_|server_tool_use/)
  })

  test('that was begun with Anthropic itself', async () => {
    bedrock.script(say(plan(words('Yes.'))))
    const messages = [user('?'), assistant([...FOREIGN, { type: 'text', text: 'Whistle.' }]), user('Sure?')]
    await ask(bedrock, said('', { messages, tools: [FETCH] }), { web: webOf({}).egress })
    const [, use, result, told] = lastMessages()
    expect(use?.['content']).toEqual([
      { type: 'tool_use', id: 'toolu_01AbC', name: 'web_fetch', input: { url: ALPS } },
    ])
    expect(blocks(result?.['content'])).toEqual([
      {
        type: 'tool_result',
        tool_use_id: 'toolu_01AbC',
        content: [
          {
            type: 'document',
            source: { type: 'text', media_type: 'text/plain', data: 'They whistle.' },
            title: 'Alps',
            context: `Fetched from ${ALPS} at 2025-08-25T10:30:00Z.`,
          },
        ],
      },
    ])
    expect(told).toEqual(assistant([{ type: 'text', text: 'Whistle.' }]))
  })

  test('without any tool: that of its history is defined, but may not be used; citations stay on', async () => {
    bedrock.script(say(plan(words('Marmots.'))))
    const messages = [user('?'), assistant(FOREIGN), user('Sum it up.')]
    await ask(bedrock, { ...said('', { messages }), tools: undefined })
    expect(things(lastBody()['tools']).map(({ name }) => name)).toEqual(['web_fetch'])
    expect(lastBody()['tool_choice']).toEqual({ type: 'none' })
    const [given] = blocks(blocks(lastMessages()[2]?.['content'])[0]?.['content'])
    expect(given?.['citations']).toEqual({ enabled: true })
  })

  test('is not fetched for, though fetching is switched off', async () => {
    bedrock.script(say(plan(words('Yes.'))))
    const messages = [user('?'), assistant(FOREIGN), user('Sure?')]
    const { content } = await ask(bedrock, said('', { messages, tools: [SEARCH] }))
    expect(content).toEqual([{ type: 'text', text: 'Yes.' }])
  })

  test.each([
    ['nothing', undefined],
    ['a text', 'what?'],
    ['a new error', { type: 'web_fetch_tool_result_error', error_code: 'new_one' }],
    ['no source', { type: 'web_fetch_result', url: ALPS, content: { type: 'document' } }],
    [
      'a source of another kind',
      {
        type: 'web_fetch_result',
        url: ALPS,
        content: { type: 'document', source: { type: 'file', file_id: 'f' } },
      },
    ],
    [
      'a picture',
      {
        type: 'web_fetch_result',
        url: ALPS,
        content: { source: { type: 'base64', media_type: 'image/png', data: 'x' } },
      },
    ],
  ])('with %s in a result is answered with an error, and no complaint', async (_, content) => {
    bedrock.script(say(plan(words('Yes.'))))
    const odd = { ...FOREIGN[1], content }
    const messages = [user('?'), assistant([FOREIGN[0], odd]), user('Sure?')]
    await ask(bedrock, said('', { messages, tools: [FETCH] }), { web: webOf({}).egress })
    expect(blocks(lastMessages()[2]?.['content'])[0]).toMatchObject({ type: 'tool_result', is_error: true })
  })

  test('with breakpoints of the cache keeps them where they are', async () => {
    const control = { type: 'ephemeral' }
    bedrock.script(say(plan(words('Yes.'))))
    const marked = FOREIGN.map((block) => ({ ...block, cache_control: control }))
    const messages = [user('?'), assistant(marked), user('Sure?')]
    await ask(bedrock, said('', { messages, tools: [FETCH] }), { web: webOf({}).egress })
    const [, call, result] = lastMessages()
    expect(blocks(call?.['content'])[0]).toMatchObject({ cache_control: control })
    expect(blocks(result?.['content'])[0]).toMatchObject({ cache_control: control })
  })
})

describe('a turn that was broken off before the page was fetched', () => {
  const [use] = FOREIGN
  const bash = { type: 'tool_use', id: 'toolu_bash', name: 'Bash', input: {} }
  const done = { type: 'tool_result', tool_use_id: 'toolu_bash', content: 'ok' }
  const tools = [FETCH, { name: 'Bash', input_schema: { type: 'object' } }]
  const web = () => webOf({ [ALPS]: plain('They whistle: https://marmots.example/more') })

  test('is taken up: the page is fetched, begins the answer, and leads further', async () => {
    bedrock.script(say(plan(fetch('https://marmots.example/more'))), say(plan(words('Done.'))))
    const messages = [user(`See ${ALPS}`), assistant([use, bash]), user([done])]
    const one = web()
    const { content, usage } = await ask(bedrock, said('', { messages, tools }), { web: one.egress })
    expect(shapes(content)).toEqual([
      'web_fetch_tool_result',
      'server_tool_use',
      'web_fetch_tool_result',
      'text',
    ])
    expect(one.asked).toEqual([ALPS, 'https://marmots.example/more'])
    expect(usage['server_tool_use']).toMatchObject({ web_fetch_requests: 1 })
  })

  test('is held to the same bounds: nothing is fetched that nobody wrote', async () => {
    bedrock.script(say(plan(words('Done.'))))
    const messages = [user('?'), assistant([use, bash]), user([done])]
    const one = web()
    const { content } = await ask(bedrock, said('', { messages, tools }), { web: one.egress })
    expect(text(thing(content[0]?.['content'])['error_code'])).toBe('url_not_in_prior_context')
    expect(one.asked).toEqual([])
  })
})

describe('an upstream that has tools of its own', () => {
  /** What goes up of this conversation. */
  async function sentUp(native: ('web_search' | 'web_fetch')[], tools: Thing[]): Promise<Thing> {
    const messages = [user('?'), assistant(FOREIGN), user('Sure?')]
    let sent: Call | undefined
    const send = async (each: Call) => {
      sent = each
      return { events: { next: async () => undefined, cancel: () => {} }, removed: [] }
    }
    const { config, ...runtime } = testRuntime()
    await withServerTools(await callOf(said('', { messages, tools })), send, {
      ...runtime,
      secretKeys: config.secretKeys,
      native,
      pages: { egress: webOf({}).egress, now: Date.now, bodyBytes: 25_000_000 },
      engine: () => Promise.reject(new Error('not to be asked')),
    })
    return JSON.parse(new TextDecoder().decode(sent?.body)) as Thing
  }

  test('gets the tool and its pages as they are', async () => {
    const sent = await sentUp(['web_search', 'web_fetch'], [FETCH])
    expect(sent['tools']).toEqual([FETCH])
    expect(blocks(things(sent['messages'])[1]?.['content'])).toEqual(FOREIGN)
  })

  test('but only for searching has pages fetched for it', async () => {
    const sent = await sentUp(['web_search'], [SEARCH, FETCH])
    expect(things(sent['tools']).map(({ type }) => type)).toEqual(['web_search_20250305', undefined])
    expect(shapes(things(sent['messages']).flatMap(({ content }) => [...blocks(content)]))).toEqual([
      'text',
      'tool_use',
      'tool_result',
      'text',
    ])
  })

  test('and what it found itself may be fetched in the same turn, both being counted', async () => {
    const found = [{ type: 'web_search_result', url: ALPS, title: 'Alps', encrypted_content: 'Eqgf' }]
    const query = { type: 'input_json_delta', partial_json: '{"query":"marmots"}' }
    const first = [
      { type: 'message_start', message: { id: 'msg_1', role: 'assistant', content: [], usage: {} } },
      ...block(0, { type: 'server_tool_use', id: 'srvtoolu_V', name: 'web_search', input: {} }, query),
      ...block(1, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_V', content: found }),
      ...block(2, { type: 'tool_use', id: 'toolu_F', name: 'web_fetch', input: { url: ALPS } }),
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1, ...ONE } },
      { type: 'message_stop' },
    ]
    const second = [
      { type: 'message_start', message: { id: 'msg_2', role: 'assistant', content: [], usage: {} } },
      ...block(0, { type: 'text', text: 'They whistle.' }),
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ]
    const answers = [first, second]
    const calls: Call[] = []
    const send = async (each: Call) => {
      calls.push(each)
      return { events: eventsOf(answers.shift() ?? []), removed: [] }
    }
    const { config, ...runtime } = testRuntime()
    const web = webOf({ [ALPS]: plain('They whistle.') })
    const { events } = await withServerTools(await callOf(said('?', { tools: [SEARCH, FETCH] })), send, {
      ...runtime,
      secretKeys: config.secretKeys,
      native: ['web_search'],
      pages: { egress: web.egress, now: Date.now, bodyBytes: 25_000_000 },
      engine: () => Promise.reject(new Error('not to be asked')),
    })
    const heard: Thing[] = []
    for (let batch = await events.next(); batch; batch = await events.next())
      heard.push(...batch.map(({ data }) => JSON.parse(new TextDecoder().decode(data)) as Thing))
    expect(web.asked).toEqual([ALPS])
    const end = heard.find(({ type }) => type === 'message_delta')
    expect(thing(end?.['usage'])['server_tool_use']).toEqual({
      web_search_requests: 1,
      web_fetch_requests: 1,
    })
    const sent = JSON.parse(new TextDecoder().decode(calls[1]?.body)) as Thing
    const [, told] = things(sent['messages'])
    expect(blocks(told?.['content'])).toEqual([
      { type: 'server_tool_use', id: 'srvtoolu_V', name: 'web_search', input: { query: 'marmots' } },
      { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_V', content: found },
      { type: 'tool_use', id: 'toolu_F', name: 'web_fetch', input: { url: ALPS } },
    ])
  })
})

const ONE = { server_tool_use: { web_search_requests: 1 } }

function block(index: number, start: Thing, ...deltas: Thing[]): Thing[] {
  return [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

function eventsOf(said: Thing[]): Events {
  const batches = [
    said.map((each) => ({ type: text(each['type']), data: new TextEncoder().encode(JSON.stringify(each)) })),
  ]
  return { next: async () => batches.shift(), cancel: () => {} }
}
