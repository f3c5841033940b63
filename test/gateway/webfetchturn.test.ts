import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { refuseWith, say } from '../fakes/steps.ts'
import { html, pdf, plain, to, type Web, webOf } from './pages.ts'
import { ask, engineThat, refusals, TOOL as SEARCH, said, types } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => {
  vi.useRealTimers()
  expect(refusals(bedrock)).toEqual([])
})

const FETCH = { type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 8 }
const BASH = { name: 'Bash', input_schema: { type: 'object' } }
const ALPS = 'https://marmots.example/alps'
const PAPER = 'https://marmots.example/paper.pdf'
const PAGES = {
  [ALPS]: html('<title>Alpine marmots</title><p>They whistle. <a href="/young">Young ones</a>'),
  'https://marmots.example/young': plain('They are small.'),
  [PAPER]: pdf(),
}

const fetch = (url: string): PlanBlock => ({ type: 'tool_use', name: 'web_fetch', input: { url } })
const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const words = (text: string): PlanBlock => ({ type: 'text', text })
const plan = (...content: PlanBlock[]): Plan => ({ content })
const bodyOf = (index: number) => thing(bedrock.seen[index]?.body)
const messagesOf = (index: number) => things(bodyOf(index)['messages'])
const shapes = (content: readonly Thing[]) => content.map(({ type }) => type)
const codes = (content: readonly Thing[]) =>
  content.flatMap(({ type, content: inner }) =>
    type === 'web_fetch_tool_result' ? [text(thing(inner)['error_code']) || 'found'] : [],
  )
const wanting = (more: Thing = {}, words = `What says ${ALPS}?`) =>
  said(words, { tools: [{ ...FETCH, ...more }] })

describe.each([
  ['streamed', true],
  ['in one piece', false],
])('a page, %s', (_, stream) => {
  test('is fetched, and the turn goes on with what it says', async () => {
    bedrock.script(say(plan(words('I look.'), fetch(ALPS))), say(plan(words('They whistle.'))))
    const web = webOf(PAGES)
    const { content, message, usage, runtime } = await ask(bedrock, wanting(), { web: web.egress, stream })
    expect(web.asked).toEqual([ALPS])
    expect(shapes(content)).toEqual(['text', 'server_tool_use', 'web_fetch_tool_result', 'text'])
    const [, use, result] = content
    expect(use).toMatchObject({
      name: 'web_fetch',
      input: { url: ALPS },
      id: expect.stringMatching(/^srvtoolu_\w+$/),
    })
    const data = 'They whistle. [Young ones](https://marmots.example/young)'
    const source = { type: 'text', media_type: 'text/plain', data }
    expect(result).toEqual({
      type: 'web_fetch_tool_result',
      tool_use_id: use?.['id'],
      caller: { type: 'direct' },
      content: {
        type: 'web_fetch_result',
        url: ALPS,
        content: { type: 'document', source, title: 'Alpine marmots', citations: null },
        retrieved_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
    })
    expect(message).toMatchObject({ stop_reason: 'end_turn' })
    expect(usage['server_tool_use']).toEqual({ web_search_requests: 0, web_fetch_requests: 1 })
    expect(runtime.metrics.text()).toContain('outcrop_web_fetches_total{outcome="answered"} 1')

    expect(things(bodyOf(0)['tools'])).toEqual([
      expect.objectContaining({
        name: 'web_fetch',
        input_schema: expect.objectContaining({ required: ['url'] }),
      }),
    ])
    const [, assistant, user] = messagesOf(1)
    const call = blocks(assistant?.['content'])[1]
    expect(call).toMatchObject({ type: 'tool_use', name: 'web_fetch', input: { url: ALPS } })
    const at = text(thing(result?.['content'])['retrieved_at'])
    expect(user?.['content']).toEqual([
      {
        type: 'tool_result',
        tool_use_id: call?.['id'],
        content: [
          { type: 'document', source, title: 'Alpine marmots', context: `Fetched from ${ALPS} at ${at}.` },
        ],
      },
    ])
  })

  test('that is a PDF comes as one', async () => {
    bedrock.script(say(plan(fetch(PAPER))), say(plan(words('Read.'))))
    const way = { web: webOf(PAGES).egress, stream }
    const { content } = await ask(bedrock, wanting({}, `Read ${PAPER}.`), way)
    const source = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjc=' }
    expect(thing(content[1]?.['content'])).toMatchObject({ content: { source, title: null } })
    const [given] = blocks(blocks(messagesOf(1)[2]?.['content'])[0]?.['content'])
    expect(given).toMatchObject({ type: 'document', source })
  })

  test.each([
    ['url_not_accessible', 'https://marmots.example/gone'],
    ['unsupported_content_type', 'https://marmots.example/picture'],
    ['too_many_requests', 'https://marmots.example/busy'],
    ['url_too_long', `https://marmots.example/${'x'.repeat(230)}`],
    ['invalid_tool_input', 'ftp://marmots.example/'],
    ['invalid_tool_input', 'https://user:secret@marmots.example/'],
    ['url_not_accessible', 'https://10.0.0.1/'],
    ['url_not_accessible', 'https://169.254.169.254/latest/meta-data/'],
    ['url_not_accessible', 'https://marmots.internal/'],
  ])('that cannot be had is the error %s, is not counted, and the answer goes on', async (code, url) => {
    const web = webOf({
      'https://marmots.example/picture': () =>
        new Response('x', { headers: { 'content-type': 'image/png' } }),
      'https://marmots.example/busy': () => new Response('', { status: 429 }),
    })
    bedrock.script(say(plan(fetch(url))), say(plan(words('I cannot.'))))
    const way = { web: web.egress, stream }
    const { content, message, usage } = await ask(bedrock, wanting({}, `Read ${url} please`), way)
    expect(content[1]).toMatchObject({
      type: 'web_fetch_tool_result',
      tool_use_id: content[0]?.['id'],
      content: { type: 'web_fetch_tool_result_error', error_code: code },
    })
    expect(message['stop_reason']).toBe('end_turn')
    expect(usage['server_tool_use']).toMatchObject({ web_fetch_requests: 0 })
    expect(blocks(messagesOf(1)[2]?.['content'])).toMatchObject([{ type: 'tool_result', is_error: true }])
  })

  test('is refused where the operator has not said that pages may be fetched', async () => {
    await expect(ask(bedrock, wanting(), { stream })).rejects.toMatchObject({
      type: 'policy_blocked',
      message: expect.stringContaining('WEB_FETCH=on'),
    })
    expect(bedrock.seen).toEqual([])
  })
})

describe('what a request wants of its pages', () => {
  test('citations: they are on for the model, and what it cites is passed on', async () => {
    const citation = {
      type: 'char_location',
      cited_text: 'They whistle.',
      document_index: 0,
      document_title: 'Alpine marmots',
      start_char_index: 0,
      end_char_index: 13,
    }
    bedrock.script(say(plan(fetch(ALPS))), {
      kind: 'events',
      events: [
        { type: 'message_start', message: { id: 'msg_1', role: 'assistant', model: 'm', content: [] } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: [] } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'They whistle.' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } },
        { type: 'message_stop' },
      ],
    })
    const request = wanting({ citations: { enabled: true } })
    const { content } = await ask(bedrock, request, { web: webOf(PAGES).egress })
    expect(thing(thing(content[1]?.['content'])['content'])['citations']).toEqual({ enabled: true })
    const [given] = blocks(blocks(messagesOf(1)[2]?.['content'])[0]?.['content'])
    expect(given).toMatchObject({ citations: { enabled: true } })
    expect(content.at(-1)?.['citations']).toEqual([citation])
  })

  test.each([
    ['the client’s own documents have them off', {}, { citations: { enabled: true } }, false],
    ['the client’s own documents have them on', { citations: { enabled: true } }, {}, true],
  ])('citations are as %s: all of a request must be alike', async (_, own, wish, expected) => {
    const document = {
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data: `See ${ALPS}` },
      ...own,
    }
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('Yes.'))))
    const request = said([document, { type: 'text', text: '?' }], { tools: [{ ...FETCH, ...wish }] })
    await ask(bedrock, request, { web: webOf(PAGES).egress })
    const [given] = blocks(blocks(messagesOf(1)[2]?.['content'])[0]?.['content'])
    expect('citations' in (given ?? {})).toBe(expected)
  })

  test('nothing is cited where the answer has to fit a schema', async () => {
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('{}'))))
    const format = { type: 'json_schema', schema: { type: 'object' } }
    const request = { ...wanting({ citations: { enabled: true } }), output_config: { format } }
    await ask(bedrock, request, { web: webOf(PAGES).egress })
    expect(JSON.stringify(bodyOf(1))).not.toContain('"citations"')
  })

  test('no more tokens than so many: text is cut, a PDF is not', async () => {
    const long = 'https://marmots.example/long'
    const web = webOf({ [long]: plain('é'.repeat(5_000)), [PAPER]: pdf(`%PDF-1.7${'x'.repeat(5_000)}`) })
    bedrock.script(say(plan(fetch(long), fetch(PAPER))), say(plan(words('Yes.'))))
    const request = wanting({ max_content_tokens: 100 }, `${long} ${PAPER}`)
    const { content } = await ask(bedrock, request, { web: web.egress })
    const sizes = content
      .slice(2, 4)
      .map((each) => text(thing(thing(thing(each['content'])['content'])['source'])['data']).length)
    expect(sizes[0]).toBeGreaterThan(30)
    expect(sizes[0]).toBeLessThan(140)
    expect(sizes[1]).toBeGreaterThan(6_000)
  })

  test('no more pages than so many', async () => {
    const web = webOf(PAGES)
    bedrock.script(say(plan(fetch(ALPS))), say(plan(fetch(PAPER))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, wanting({ max_uses: 1 }, `${ALPS} ${PAPER}`), { web: web.egress })
    expect(codes(content)).toEqual(['found', 'max_uses_exceeded'])
    expect(web.asked).toEqual([ALPS])
  })

  test.each([
    [{ allowed_domains: ['rocks.example'] }],
    [{ blocked_domains: ['marmots.example/alps'] }],
    [{ allowed_domains: ['marmots.example/young'] }],
  ])('%o: no page of another domain is asked for', async (wish: Thing) => {
    const web = webOf(PAGES)
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('No.'))))
    const { content } = await ask(bedrock, wanting(wish), { web: web.egress })
    expect(codes(content)).toEqual(['url_not_allowed'])
    expect(web.asked).toEqual([])
  })

  test('a redirect leads out of the allowed domains: it is not followed', async () => {
    const web = webOf({ [ALPS]: to('https://elsewhere.example/?from=alps') })
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('No.'))))
    const request = wanting({ allowed_domains: ['marmots.example'] })
    const { content } = await ask(bedrock, request, { web: web.egress })
    expect(codes(content)).toEqual(['url_not_allowed'])
    expect(web.asked).toEqual([ALPS])
  })

  test('a request grows no larger than the upstream takes', async () => {
    const web = webOf({ [ALPS]: plain('x'.repeat(5_000)) })
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('No.'))))
    const { content } = await ask(bedrock, wanting(), { web: web.egress, bodyBytes: 503_000 })
    expect(codes(content)).toEqual(['content_too_large'])
  })

  test('a page without any text is no document', async () => {
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('Empty.'))))
    const { content } = await ask(bedrock, wanting(), { web: webOf({ [ALPS]: html('<p> </p>') }).egress })
    expect(codes(content)).toEqual(['found'])
    expect(blocks(messagesOf(1)[2]?.['content'])[0]?.['content']).toBe(`The page ${ALPS} has no text.`)
  })

  test('odd inputs ask nothing of anybody', async () => {
    const web = webOf(PAGES)
    const odd = (input: Thing): PlanBlock => ({ type: 'tool_use', name: 'web_fetch', input })
    bedrock.script(say(plan(odd({}), odd({ url: 7 }), odd({ url: ' ' }))), say(plan(words('No.'))))
    const { content } = await ask(bedrock, wanting(), { web: web.egress })
    expect(codes(content)).toEqual(Array(3).fill('invalid_tool_input'))
    expect(web.asked).toEqual([])
  })
})

describe('a turn with both tools', () => {
  const found = [{ url: ALPS, title: 'Alps', snippet: 'See https://secret.example/snippet' }]
  const both = (words = 'What do marmots do?', more: Thing = {}) =>
    said(words, { tools: [SEARCH, FETCH], ...more })

  test.each([true, false])('searches, fetches what was found, and answers; streamed: %s', async (stream) => {
    const web = webOf(PAGES)
    const chosen = engineThat(async () => found)
    bedrock.script(
      say(plan(search('marmots'))),
      say(plan(fetch(ALPS))),
      say(plan(fetch('https://marmots.example/young'))),
      say(plan(words('They whistle.'))),
    )
    const { content, usage } = await ask(bedrock, both(), { web: web.egress, chosen, stream })
    expect(shapes(content)).toEqual([
      'server_tool_use',
      'web_search_tool_result',
      'server_tool_use',
      'web_fetch_tool_result',
      'server_tool_use',
      'web_fetch_tool_result',
      'text',
    ])
    expect(web.asked).toEqual([ALPS, 'https://marmots.example/young'])
    expect(usage['server_tool_use']).toEqual({ web_search_requests: 1, web_fetch_requests: 2 })
    expect(messagesOf(3).slice(0, 5)).toEqual(messagesOf(2))
  })

  test('of a search only what it found may be fetched, not what its words name', async () => {
    const web = webOf(PAGES)
    const chosen = engineThat(async () => found)
    bedrock.script(
      say(plan(search('marmots'))),
      say(plan(fetch('https://secret.example/snippet'))),
      say(plan(words('No.'))),
    )
    const { content } = await ask(bedrock, both(), { web: web.egress, chosen })
    expect(codes(content)).toEqual(['url_not_in_prior_context'])
    expect(web.asked).toEqual([])
  })

  test('at once: both run side by side, and are told in the order in which they were called', async () => {
    const web = webOf(PAGES)
    bedrock.script(say(plan(fetch(ALPS), search('marmots'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, both(`See ${ALPS}`), { web: web.egress })
    expect(shapes(content)).toEqual([
      'server_tool_use',
      'server_tool_use',
      'web_fetch_tool_result',
      'web_search_tool_result',
      'text',
    ])
    expect(blocks(messagesOf(1)[2]?.['content']).map((each) => each['tool_use_id'])).toEqual(
      blocks(messagesOf(1)[1]?.['content']).map(({ id }) => id),
    )
  })

  test('that also calls a tool of the client ends with all, and comes back as it was', async () => {
    const tools = [SEARCH, FETCH, BASH]
    const command: PlanBlock = { type: 'tool_use', name: 'Bash', input: { command: 'ls' } }
    bedrock.script(say(plan(fetch(ALPS), search('marmots'), command)))
    const web = webOf(PAGES)
    const first = await ask(bedrock, both(`See ${ALPS}`, { tools }), { web: web.egress })
    expect(first.message['stop_reason']).toBe('tool_use')
    expect(bedrock.seen).toHaveLength(1)
    const bash = first.content.find(({ name }) => name === 'Bash')
    const messages = [
      { role: 'user', content: `See ${ALPS}` },
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: bash?.['id'], content: 'a b' }] },
    ]
    bedrock.script(say(plan(words('Done.'))))
    await ask(bedrock, both('', { tools, messages }), { web: web.egress })
    expect(web.asked).toEqual([ALPS])
    const [, assistant, user] = messagesOf(1)
    expect(shapes(blocks(assistant?.['content']))).toEqual(['tool_use', 'tool_use', 'tool_use'])
    expect(shapes(blocks(user?.['content']))).toEqual(['tool_result', 'tool_result', 'tool_result'])
    const [page, pages] = blocks(user?.['content']).map(({ content }) => shapes(blocks(content)))
    expect([page, pages]).toEqual([['document'], ['search_result', 'search_result']])
  })

  test('in which one had to be used may use it once', async () => {
    const choice = { type: 'tool', name: 'web_fetch' }
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('Done.'))))
    await ask(bedrock, both(`See ${ALPS}`, { tool_choice: choice }), { web: webOf(PAGES).egress })
    expect(bodyOf(0)['tool_choice']).toEqual(choice)
    expect(bodyOf(1)['tool_choice']).toEqual({ type: 'auto' })
    expect(bedrock.seen).toHaveLength(2)
  })

  test('of which one is switched off is refused', async () => {
    await expect(ask(bedrock, both())).rejects.toMatchObject({ type: 'policy_blocked' })
    const way = { web: webOf(PAGES).egress, chosen: undefined }
    await expect(ask(bedrock, both(), way)).rejects.toMatchObject({ type: 'policy_blocked' })
  })

  test('that never stops fetching is paused after ten steps', async () => {
    for (let step = 0; step < 10; step++) bedrock.script(say(plan(fetch(ALPS))))
    const { message, content } = await ask(bedrock, wanting(), { web: webOf(PAGES).egress })
    expect(message['stop_reason']).toBe('pause_turn')
    expect(codes(content)).toEqual([...Array(8).fill('found'), 'max_uses_exceeded', 'max_uses_exceeded'])
  })
})

describe('trouble', () => {
  /** Never answers; says who has left. */
  function silent() {
    const web = webOf({})
    const state = { asked: 0, left: 0 }
    const send = ({ signal }: { signal: AbortSignal }) => {
      state.asked++
      signal.addEventListener('abort', () => state.left++)
      return new Promise<Response>(() => {})
    }
    return { state, egress: { ...web.egress, send } as Web['egress'] }
  }

  test('the client hangs up while a page is fetched: the page and the upstream are let go', async () => {
    bedrock.script(say(plan(fetch(ALPS))))
    const { state, egress } = silent()
    const onEvent = ({ type, index }: Thing) => type === 'content_block_stop' && index === 0
    await ask(bedrock, wanting(), { web: egress, onEvent })
    await expect.poll(() => state.left).toBe(1)
    await sleep(20)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('the client of an answer in one piece goes while a page is fetched: so does the page', async () => {
    bedrock.script(say(plan(fetch(ALPS))))
    const gone = new AbortController()
    const { state, egress } = silent()
    const way = { web: egress, stream: false, signal: gone.signal }
    const asked = ask(bedrock, wanting(), way)
    const refused = expect(asked).rejects.toThrow()
    await expect.poll(() => state.asked).toBe(1)
    gone.abort()
    await refused
    expect(state.left).toBe(1)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('a page takes too long: it is given up, and the answer goes on', async () => {
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('I cannot.'))))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { state, egress } = silent()
    const asked = ask(bedrock, wanting(), { web: egress, stream: false })
    while (state.asked === 0) await setImmediate()
    vi.advanceTimersByTime(19_999)
    await setImmediate()
    expect(state.left).toBe(0)
    vi.advanceTimersByTime(1)
    const { content, message } = await asked
    expect(state.left).toBe(1)
    expect(codes(content)).toEqual(['url_not_accessible'])
    expect(message['stop_reason']).toBe('end_turn')
  })

  test('the second call is refused: the stream says so', async () => {
    bedrock.script(say(plan(fetch(ALPS))), refuseWith('ThrottlingException'))
    const { events } = await ask(bedrock, wanting(), { web: webOf(PAGES).egress })
    expect(types(events).at(-1)).toBe('error')
  })

  test('broken off in the middle of a URL pairs the use with an error', async () => {
    const cut: PlanBlock = { type: 'tool_use', name: 'web_fetch', input: '{"url":"https://mar' }
    bedrock.script(say({ ...plan(cut), stop_reason: 'max_tokens' }))
    const web = webOf(PAGES)
    const { content, message } = await ask(bedrock, wanting(), { web: web.egress })
    expect(message['stop_reason']).toBe('max_tokens')
    expect(codes(content)).toEqual(['invalid_tool_input'])
    expect(web.asked).toEqual([])
  })

  test('what was asked for is in no log line', async () => {
    bedrock.script(say(plan(fetch(ALPS))), say(plan(words('No.'))))
    const broken = webOf({ [ALPS]: () => Promise.reject(new Error(`cannot reach ${ALPS}`)) })
    const { content, runtime } = await ask(bedrock, wanting(), { web: broken.egress })
    expect(codes(content)).toEqual(['url_not_accessible'])
    expect(JSON.stringify(runtime.lines)).not.toContain('marmots')
  })
})
