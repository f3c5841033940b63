import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withServerTools } from '../../src/gateway/servertools.ts'
import type { Call } from '../../src/protocol/messages.ts'
import { SearchError } from '../../src/search/engine.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { say } from '../fakes/steps.ts'
import { callOf } from '../providers/call.ts'
import { testRuntime } from '../runtime.ts'
import { ask, askRaw, engineThat, refusals, said, TOOL } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => expect(refusals(bedrock)).toEqual([]))

const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const words = (text: string): PlanBlock => ({ type: 'text', text })
const thought: PlanBlock = { type: 'thinking', thinking: 'Hm: “what now”?' }
const plan = (...content: PlanBlock[]): Plan => ({ content })
const lastBody = () => thing(bedrock.seen.at(-1)?.body)
const lastMessages = () => things(lastBody()['messages'])
const shapes = (content: readonly Thing[]) => content.map(({ type }) => type)
const user = (content: unknown): Thing => ({ role: 'user', content })
const assistant = (content: unknown): Thing => ({ role: 'assistant', content })

/** What somebody else's API made of a search. */
const FOREIGN = [
  { type: 'server_tool_use', id: 'srvtoolu_01AbC', name: 'web_search', input: { query: 'marmots' } },
  {
    type: 'web_search_tool_result',
    tool_use_id: 'srvtoolu_01AbC',
    content: [
      {
        type: 'web_search_result',
        url: 'https://marmots.test/alps',
        title: 'Alpine marmots',
        encrypted_content: 'EqgfCioIARgBIiQ3YTAwMjY1Mi1mZjM5LTQ1NGUtODgxNC1kNjNjNTk1ZWI3Yg==',
        page_age: 'April 30, 2025',
      },
    ],
  },
]

describe('a conversation that goes on after a search', () => {
  const outcomes = {
    results: engineThat(),
    none: engineThat(async () => []),
    error: engineThat(() => Promise.reject(new SearchError('too_many_requests', '429'))),
    failure: engineThat(() => Promise.reject(new Error('down'))),
  }

  test.each(
    Object.entries(outcomes).flatMap(([name, chosen]) =>
      [true, false].map((stream) => ({ name, chosen, stream })),
    ),
  )(
    '$name, streamed $stream: three more turns, each beginning with the bytes of the one before',
    async ({ chosen, stream }) => {
      const more = { thinking: { type: 'adaptive' } }
      const messages = [user('What do marmots do?')]
      bedrock.script(
        say(plan(thought, words('I look.'), search('marmots'))),
        say(plan(thought, words('Whistle.'))),
      )
      const first = await ask(bedrock, said('', { ...more, messages }), { chosen, stream })
      messages.push(assistant(first.content))
      const plans = [
        plan(words('Yes.')),
        plan(thought, search('rocks')),
        plan(words('No.')),
        plan(words('Bye.')),
      ]
      bedrock.script(...plans.map((each) => say(each)))
      for (const question of ['Sure?', 'And rocks?', 'Thanks.']) {
        const before = JSON.stringify(lastMessages())
        messages.push(user(question))
        const { content } = await ask(bedrock, said('', { ...more, messages }), { chosen, stream })
        messages.push(assistant(content))
        expect(JSON.stringify(lastMessages())).toContain(before.slice(0, -1))
      }
      expect(bedrock.seen).toHaveLength(6)
      expect(JSON.stringify(bedrock.seen.map(({ body }) => body))).not.toMatch(/srvtoolu_|server_tool_use/)
    },
  )

  test('on another replica, while keys are rotated, the model reads the same pages', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Whistle.'))), say(plan(words('Yes.'))))
    const [old, fresh] = ['an old key that is long enough', 'a new key that is long enough too']
    const { content } = await ask(bedrock, said('?'), { secretKeys: [old] })
    const before = JSON.stringify(lastMessages())
    const messages = [user('?'), assistant(content), user('Sure?')]
    await ask(bedrock, said('', { messages }), { secretKeys: [fresh, old] })
    expect(JSON.stringify(lastMessages())).toContain(before.slice(0, -1))
  })

  test('when the gateway cannot open a result: what can be read of it, and no complaint', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Whistle.'))), say(plan(words('Yes.'))))
    const { content } = await ask(bedrock, said('?'))
    const [call, result, answer] = content
    const [first, second] = things(result?.['content'])
    const tampered = {
      ...result,
      content: [
        { ...first, title: 'Forged' },
        { ...second, encrypted_content: 'b2Mx' },
      ],
    }
    await ask(
      bedrock,
      said('', { messages: [user('?'), assistant([call, tampered, answer]), user('Sure?')] }),
    )
    const [given] = blocks(lastMessages()[2]?.['content'])
    expect(things(given?.['content'])).toMatchObject([
      {
        source: 'https://marmots.test/alps',
        title: 'Forged',
        content: [{ text: 'Forged' }, { text: 'Page age: 2 days ago' }],
      },
      { title: 'Rocks & "stones"', content: [{ text: 'Rocks & "stones"' }] },
    ])
  })

  test('that was begun with Anthropic itself', async () => {
    const cited = {
      type: 'web_search_result_location',
      url: 'https://marmots.test/alps',
      title: 'Alpine marmots',
      encrypted_index: 'Eo8BCioIAhgBIiQyYjQ0OWJmZi1lNm',
      cited_text: 'They whistle',
    }
    const answer = { type: 'text', text: 'They whistle.', citations: [cited] }
    bedrock.script(say(plan(words('Yes.'))))
    await ask(bedrock, said('', { messages: [user('?'), assistant([...FOREIGN, answer]), user('Sure?')] }))
    const [, use, result, told] = lastMessages()
    expect(use?.['content']).toEqual([
      { type: 'tool_use', id: 'toolu_01AbC', name: 'web_search', input: { query: 'marmots' } },
    ])
    expect(blocks(result?.['content'])).toMatchObject([{ type: 'tool_result', tool_use_id: 'toolu_01AbC' }])
    expect(told).toEqual(assistant([{ type: 'text', text: 'They whistle.' }]))
  })

  test('without any tool: the tool of its history is defined, but may not be used', async () => {
    const body = said('', { messages: [user('?'), assistant(FOREIGN), user('Sum it up.')] })
    bedrock.script(say(plan(words('Marmots.'))))
    await ask(bedrock, { ...body, tools: undefined })
    expect(things(lastBody()['tools']).map(({ name }) => name)).toEqual(['web_search'])
    expect(lastBody()['tool_choice']).toEqual({ type: 'none' })
  })

  test('with other tools only: none is added, and no engine is asked for', async () => {
    const tools = [{ name: 'Bash', input_schema: { type: 'object' } }]
    bedrock.script(say(plan(words('Marmots.'))))
    const messages = [user('?'), assistant(FOREIGN), user('Sum it up.')]
    await ask(bedrock, said('', { messages, tools }), { chosen: undefined })
    expect(lastBody()['tools']).toEqual(tools)
    expect(lastBody()).not.toHaveProperty('tool_choice')
  })
})

describe('turns are put back together', () => {
  const pair = (id: string, query: string) => [
    { type: 'server_tool_use', id, name: 'web_search', input: { query } },
    { type: 'web_search_tool_result', tool_use_id: id, content: [] },
  ]
  const [useA, foundA] = pair('srvtoolu_A', 'a')
  const [useB, foundB] = pair('srvtoolu_B', 'b')
  const bash = { type: 'tool_use', id: 'toolu_bash', name: 'Bash', input: {} }
  const bashed = { type: 'tool_result', tool_use_id: 'toolu_bash', content: 'ok' }
  const say1 = { type: 'text', text: 'one' }
  const tools = [TOOL, { name: 'Bash', input_schema: { type: 'object' } }]

  /** The rebuilt conversation, a line a message. */
  async function rebuilt(...messages: Thing[]): Promise<string[]> {
    bedrock.script(say(plan(words('Done.'))))
    await ask(bedrock, said('', { messages: [user('?'), ...messages], tools }))
    const name = (block: Thing) =>
      text(block['text']) || text(block['id']) || `-> ${text(block['tool_use_id'])}`
    return lastMessages().map(({ role, content }) => `${text(role)}: ${blocks(content).map(name).join(', ')}`)
  }

  test('search, result, text, search, result, text', async () => {
    expect(await rebuilt(assistant([useA, foundA, say1, useB, foundB, say1]), user('And?'))).toEqual([
      'user: ?',
      'assistant: toolu_A',
      'user: -> toolu_A',
      'assistant: one, toolu_B',
      'user: -> toolu_B',
      'assistant: one',
      'user: And?',
    ])
  })

  test('two searches at once', async () => {
    expect(await rebuilt(assistant([say1, useA, useB, foundA, foundB, say1]), user('And?'))).toEqual([
      'user: ?',
      'assistant: one, toolu_A, toolu_B',
      'user: -> toolu_A, -> toolu_B',
      'assistant: one',
      'user: And?',
    ])
  })

  test('results in another order, or late, come with the rest', async () => {
    expect(await rebuilt(assistant([useA, useB, foundB, say1, foundA]), user('And?'))).toEqual([
      'user: ?',
      'assistant: toolu_A, toolu_B',
      'user: -> toolu_A, -> toolu_B',
      'assistant: one',
      'user: And?',
    ])
  })

  test.each([
    ['text', 'Go on', 'user: -> toolu_A, Go on'],
    ['blocks', [say1], 'user: -> toolu_A, one'],
    ['nothing', '', 'user: -> toolu_A'],
    ['no blocks', [], 'user: -> toolu_A'],
  ])('a message that ends with a result is answered in the next one: %s', async (_, content, last) => {
    expect((await rebuilt(assistant([useA, foundA]), user(content))).slice(1)).toEqual([
      'assistant: toolu_A',
      last,
    ])
  })

  test('a message that ends with a result and is the last one', async () => {
    expect((await rebuilt(assistant([useA, foundA]))).slice(1)).toEqual([
      'assistant: toolu_A',
      'user: -> toolu_A',
    ])
  })

  test('a result before a call of the client’s ended its step, one behind it did not', async () => {
    expect((await rebuilt(assistant([useA, foundA, bash]), user([bashed]))).slice(1)).toEqual([
      'assistant: toolu_A',
      'user: -> toolu_A',
      'assistant: toolu_bash',
      'user: -> toolu_bash',
    ])
    expect((await rebuilt(assistant([useA, bash, foundA]), user([bashed]))).slice(1)).toEqual([
      'assistant: toolu_A, toolu_bash',
      'user: -> toolu_A, -> toolu_bash',
    ])
  })

  test('a result that stands in the next answer, as Anthropic puts it after a call of the client’s', async () => {
    const history = [assistant([useA, bash]), user([bashed]), assistant([foundA, say1]), user('And?')]
    expect((await rebuilt(...history)).slice(1)).toEqual([
      'assistant: toolu_A, toolu_bash',
      'user: -> toolu_A, -> toolu_bash',
      'assistant: one',
      'user: And?',
    ])
    const alone = [assistant([useA, bash]), user([bashed]), assistant([foundA]), user('And?')]
    expect((await rebuilt(...alone)).slice(1)).toEqual([
      'assistant: toolu_A, toolu_bash',
      'user: -> toolu_A, -> toolu_bash',
      'user: And?',
    ])
  })

  test('a search that was never answered has failed', async () => {
    expect(await rebuilt(assistant([say1, useA]), user('Never mind.'))).toEqual([
      'user: ?',
      'assistant: one, toolu_A',
      'user: -> toolu_A, Never mind.',
    ])
    expect(blocks(lastMessages()[2]?.['content'])[0]).toMatchObject({ is_error: true })
  })

  test('a result without its search is nothing', async () => {
    expect((await rebuilt(assistant([foundA, say1, foundB]), user('And?'))).slice(1)).toEqual([
      'assistant: one',
      'user: And?',
    ])
  })

  test('odd blocks never end in a refusal', async () => {
    const odd = [
      { type: 'server_tool_use', id: 'servertoolu_x!y', name: 'web_search', input: 'marmots' },
      { type: 'web_search_tool_result', tool_use_id: 'servertoolu_x!y', content: 'what?' },
      { type: 'server_tool_use', name: 'web_search' },
      {
        type: 'web_search_tool_result',
        content: { type: 'web_search_tool_result_error', error_code: 'new_one' },
      },
      { type: 'server_tool_use', id: 'srvtoolu_Z', name: 'web_search', input: {} },
      {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_Z',
        content: [null, 7, {}, { url: 'https://a.test' }],
      },
    ]
    expect(await rebuilt(assistant([...odd, say1]), user('And?'))).toHaveLength(9)
    const [given] = blocks(lastMessages()[6]?.['content'])
    expect(given?.['content']).toMatchObject([{ source: 'https://a.test', title: 'https://a.test' }])
  })

  test('breakpoints of the cache stay where they are', async () => {
    const control = { type: 'ephemeral' }
    await rebuilt(
      assistant([{ ...useA, cache_control: control }, { ...foundA, cache_control: control }, say1]),
      user('And?'),
    )
    const [, call, result] = lastMessages()
    expect(blocks(call?.['content'])[0]).toMatchObject({ cache_control: control })
    expect(blocks(result?.['content'])[0]).toMatchObject({ cache_control: control })
  })

  test('every other byte stays as it is, in whatever way the message is written', async () => {
    const other = '{"type":"text" , "text":"\\u00e9t\\u00e9"}'
    const call =
      '{ "type":"tool_use","id":"toolu_1","name":"Bash","input":{"n":12345678901234567890,"x":1.0} }'
    const found = '{"type":"web_search_tool_result","tool_use_id":"srvtoolu_A","content":[]}'
    const use = '{"type":"server_tool_use","id":"srvtoolu_A","name":"web_search","input":{"query" : "1.0"}}'
    const messages = [
      '{"role":"user","content":"?"}',
      `{ "content" : [ ${other} , ${use} , ${found} , ${other} , ${call} ] , "role" : "assistant" }`,
      '{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1"}]}',
    ]
    bedrock.script(say(plan(words('Done.'))))
    await askRaw(
      bedrock,
      `{"model":"claude-opus-4-6","max_tokens":9,"stream":true,"tools":${JSON.stringify(tools)},"messages":[${messages}]}`,
    )
    const sent = bedrock.seen[0]?.bytes.toString() ?? ''
    expect(sent).toContain(
      `{ "content" : [ ${other} , {"type":"tool_use","id":"toolu_A","name":"web_search","input":{"query" : "1.0"}}] , "role" : "assistant" },` +
        '{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_A","content":"The search found nothing."}]},' +
        `{ "content" : [${other} , ${call} ] , "role" : "assistant" }`,
    )
  })
})

describe('a turn that Anthropic broke off before the search was run', () => {
  const [use] = FOREIGN
  const bash = { type: 'tool_use', id: 'toolu_bash', name: 'Bash', input: {} }
  const tools = [TOOL, { name: 'Bash', input_schema: { type: 'object' } }]

  test('for a tool of the client: the search is run, and its result begins the answer', async () => {
    const chosen = engineThat()
    const messages = [
      user('?'),
      assistant([use, bash]),
      user([{ type: 'tool_result', tool_use_id: 'toolu_bash', content: 'ok' }]),
    ]
    bedrock.script(say(plan(words('Both done.'))))
    const { content, usage } = await ask(bedrock, said('', { messages, tools }), { chosen })
    expect(chosen.asked).toMatchObject([{ query: 'marmots' }])
    expect(shapes(content)).toEqual(['web_search_tool_result', 'text'])
    expect(content[0]).toMatchObject({ tool_use_id: 'srvtoolu_01AbC' })
    expect(usage['server_tool_use']).toMatchObject({ web_search_requests: 1 })
    expect(blocks(lastMessages()[2]?.['content']).map((each) => each['tool_use_id'])).toEqual([
      'toolu_01AbC',
      'toolu_bash',
    ])
  })

  test('as a pause: so it is when it is taken up again', async () => {
    bedrock.script(say(plan(search('rocks'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, said('', { messages: [user('?'), assistant([use])] }))
    expect(shapes(content)).toEqual([
      'web_search_tool_result',
      'server_tool_use',
      'web_search_tool_result',
      'text',
    ])
  })
})

describe('an upstream that searches by itself', () => {
  /** What goes up of this conversation. */
  async function sentUp(messages: Thing[], more: Thing = {}): Promise<{ call: Call; isSame: boolean }> {
    const call = await callOf(said('', { messages, ...more }))
    let sent = call
    const reply = { events: { next: async () => undefined, cancel: () => {} }, removed: [] }
    const send = async (each: Call) => {
      sent = each
      return reply
    }
    const runtime = testRuntime()
    await withServerTools(call, send, {
      ...runtime,
      secretKeys: runtime.config.secretKeys,
      pages: undefined,
      native: ['web_search', 'web_fetch'],
      engine: () => Promise.reject(new Error('not to be asked')),
    })
    return { call: sent, isSame: sent === call }
  }

  test('gets its tool and its own searches as they are', async () => {
    const cited = { type: 'web_search_result_location', url: 'https://a.test', encrypted_index: 'Eo8BCioI' }
    const answer = { type: 'text', text: 'Whistle.', citations: [cited] }
    const failed = { type: 'web_search_tool_result_error', error_code: 'unavailable' }
    const both = [
      ...FOREIGN,
      answer,
      { ...FOREIGN[0], id: 'srvtoolu_2' },
      { ...FOREIGN[1], tool_use_id: 'srvtoolu_2', content: failed },
    ]
    const { call } = await sentUp([user('?'), assistant(both), user('Sure?')])
    expect(JSON.parse(new TextDecoder().decode(call.body))).toEqual(
      said('', { messages: [user('?'), assistant(both), user('Sure?')] }),
    )
    expect((await sentUp([user('?')])).isSame).toBe(true)
  })

  test('gets what this gateway has sealed as what it was: an answer of a tool', async () => {
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Whistle.'))))
    const { content } = await ask(bedrock, said('?'))
    const { call } = await sentUp([user('?'), assistant([...FOREIGN, ...content]), user('Sure?')])
    const sent = JSON.parse(new TextDecoder().decode(call.body)) as Thing
    expect(sent['tools']).toEqual([TOOL])
    expect(things(sent['messages']).map((message) => shapes(blocks(message['content'])))).toEqual([
      ['text'],
      ['server_tool_use', 'web_search_tool_result', 'tool_use'],
      ['tool_result'],
      ['text'],
      ['text'],
    ])
    expect(JSON.stringify(sent)).toContain('They whistle.')
  })
})
