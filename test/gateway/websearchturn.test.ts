import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { refuseWith, say } from '../fakes/steps.ts'
import { ask, engineThat, PAGES, refusals, said, TOOL, types } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => expect(refusals(bedrock)).toEqual([]))

const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const words = (text: string): PlanBlock => ({ type: 'text', text })
const plan = (...content: PlanBlock[]): Plan => ({ content })
const bodyOf = (index: number) => thing(bedrock.seen[index]?.body)
const messagesOf = (index: number) => things(bodyOf(index)['messages'])
const shapes = (content: readonly Thing[]) => content.map(({ type }) => type)
const codes = (content: readonly Thing[]) =>
  content.flatMap(({ type, content: inner }) =>
    type === 'web_search_tool_result' ? [text(thing(inner)['error_code']) || 'found'] : [],
  )
interface Wish {
  allowed_domains?: string[]
  blocked_domains?: string[]
}
const BASH = { name: 'Bash', input_schema: { type: 'object' } }

describe('the stream of a turn with a search', () => {
  test('is one message: one start, one delta, one stop, blocks in a row, the query as it is said', async () => {
    bedrock.script(say(plan(words('I look.'), search('marmots'))), say(plan(words('They whistle.'))))
    const { events } = await ask(bedrock, said('?'))
    const told = events.filter(({ type }) => type !== 'content_block_delta')
    expect(told.map(({ type, index }) => (index === undefined ? type : `${type} ${index}`))).toEqual([
      'message_start',
      'content_block_start 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_stop 1',
      'content_block_start 2',
      'content_block_stop 2',
      'content_block_start 3',
      'content_block_stop 3',
      'message_delta',
      'message_stop',
    ])
    const query = events.filter(({ type, index }) => type === 'content_block_delta' && index === 1)
    expect(query.length).toBeGreaterThan(1)
    expect(query.map(({ delta }) => text(thing(delta)['partial_json'])).join('')).toBe('{"query":"marmots"}')
    const start = events.find(({ type, index }) => type === 'content_block_start' && index === 1)
    expect(start?.['content_block']).toMatchObject({
      type: 'server_tool_use',
      input: {},
      caller: { type: 'direct' },
    })
    const result = events.find(({ type, index }) => type === 'content_block_start' && index === 2)
    expect(things(thing(result?.['content_block'])['content'])).toHaveLength(2)
  })

  test('tells of a search while it runs, and of what it found before the model goes on', async () => {
    let found: (() => void) | undefined
    bedrock.script(say(plan(search('marmots'))), {
      ...say(plan(words('They whistle.'))),
      kind: 'stall',
      at: 'before headers',
      ms: 150,
    })
    const chosen = engineThat(
      () =>
        new Promise((resolve) => {
          found = () => resolve(PAGES)
        }),
    )
    const seen: string[] = []
    const onEvent = (event: Thing) => {
      seen.push(`${event['type']} ${event['index'] ?? ''}`)
      if (event['type'] === 'content_block_stop' && event['index'] === 0) setTimeout(() => found?.(), 50)
      return false
    }
    const { events } = await ask(bedrock, said('?'), { chosen, onEvent })
    const at = (type: string, index: number) =>
      events.find((event) => event['type'] === type && event['index'] === index)?.at ?? 0
    expect(at('content_block_start', 1) - at('content_block_stop', 0)).toBeGreaterThan(40)
    expect(at('content_block_start', 2) - at('content_block_start', 1)).toBeGreaterThan(100)
  })

  test('adds next to nothing between the answer of the engine and the first word of the model', {
    retry: 3,
  }, async () => {
    const upstreamTakes = 200
    bedrock.script(
      say(plan(search('marmots'))),
      say({ ...plan(words('They whistle.')), delay: upstreamTakes }),
    )
    let foundAt = 0
    const chosen = engineThat(async () => {
      await sleep(30)
      foundAt = performance.now()
      return PAGES
    })
    const { events } = await ask(bedrock, said('?'), { chosen })
    const first = events.find(({ delta }) => thing(delta)['type'] === 'text_delta')
    const overhead = (first?.at ?? 0) - foundAt - upstreamTakes
    expect(overhead).toBeGreaterThan(-5)
    expect(overhead).toBeLessThan(50)
  })

  test('passes unknown events and pings on', async () => {
    bedrock.script(
      { ...say(plan(search('marmots'))), kind: 'insert', after: 2, events: [{ type: 'ping' }] },
      { ...say(plan(words('Yes.'))), kind: 'insert', after: 1, events: [{ type: 'news', index: 'x' }] },
    )
    const { events } = await ask(bedrock, said('?'))
    expect(types(events)).toEqual(expect.arrayContaining(['ping', 'news']))
  })
})

describe('a turn', () => {
  test('of two searches in a row tells of both, and gives the model all it had before', async () => {
    const chosen = engineThat()
    bedrock.script(
      say(plan(words('One.'), search('marmots'))),
      say(plan(words('Two.'), search('rocks'))),
      say(plan(words('Done.'))),
    )
    const { content, usage } = await ask(bedrock, said('?'), { chosen })
    expect(shapes(content)).toEqual([
      'text',
      'server_tool_use',
      'web_search_tool_result',
      'text',
      'server_tool_use',
      'web_search_tool_result',
      'text',
    ])
    expect(chosen.asked.map(({ query }) => query)).toEqual(['marmots', 'rocks'])
    expect(usage['server_tool_use']).toMatchObject({ web_search_requests: 2 })
    expect(messagesOf(2).map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user'])
    expect(messagesOf(2).slice(0, 3)).toEqual(messagesOf(1))
  })

  test('of two searches at once runs them side by side', async () => {
    let running = 0
    let most = 0
    const chosen = engineThat(async () => {
      most = Math.max(most, ++running)
      await sleep(20)
      running--
      return PAGES
    })
    bedrock.script(say(plan(search('marmots'), search('rocks'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, said('?'), { chosen })
    expect(most).toBe(2)
    expect(shapes(content)).toEqual([
      'server_tool_use',
      'server_tool_use',
      'web_search_tool_result',
      'web_search_tool_result',
      'text',
    ])
    expect(content.slice(2, 4).map((each) => each['tool_use_id'])).toEqual(
      content.slice(0, 2).map(({ id }) => id),
    )
  })

  test('with thinking before the search sends it back with its signature', async () => {
    const thought = { type: 'thinking', thinking: 'I do not know “marmots”; I search.' } as const
    bedrock.script(say(plan(thought, search('marmots'))), say(plan(thought, words('They whistle.'))))
    const { content } = await ask(bedrock, said('?', { thinking: { type: 'adaptive' } }))
    expect(shapes(content)).toEqual([
      'thinking',
      'server_tool_use',
      'web_search_tool_result',
      'thinking',
      'text',
    ])
    const [sent] = blocks(messagesOf(1)[1]?.['content'])
    expect(sent).toEqual(content[0])
    expect(text(sent?.['signature'])).not.toBe('')
  })

  test('that also calls a tool of the client ends with both, and the search is answered first in the next', async () => {
    const tools = [TOOL, BASH]
    const command: PlanBlock = { type: 'tool_use', name: 'Bash', input: { command: 'ls' } }
    bedrock.script(say(plan(words('Both.'), search('marmots'), command)))
    const first = await ask(bedrock, said('?', { tools }))
    expect(bedrock.seen).toHaveLength(1)
    expect(first.message['stop_reason']).toBe('tool_use')
    expect(shapes(first.content)).toEqual(['text', 'server_tool_use', 'tool_use', 'web_search_tool_result'])
    expect(first.usage['server_tool_use']).toMatchObject({ web_search_requests: 1 })
    const [, , bash] = first.content
    const messages = [
      { role: 'user', content: '?' },
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: bash?.['id'], content: 'a b' }] },
    ]
    bedrock.script(say(plan(words('Done.'))))
    await ask(bedrock, said('', { tools, messages }))
    const [, assistant, user] = messagesOf(1)
    expect(messagesOf(1)).toHaveLength(3)
    const calls = blocks(assistant?.['content'])
    expect(shapes(calls)).toEqual(['text', 'tool_use', 'tool_use'])
    expect(blocks(user?.['content']).map((each) => each['tool_use_id'])).toEqual([
      calls[1]?.['id'],
      bash?.['id'],
    ])
  })

  test('in which the tool had to be used may use it once', async () => {
    const choice = { type: 'tool', name: 'web_search', disable_parallel_tool_use: true }
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Done.'))))
    await ask(bedrock, said('?', { tool_choice: choice }))
    expect(bodyOf(0)['tool_choice']).toEqual(choice)
    expect(bodyOf(1)['tool_choice']).toEqual({ type: 'auto', disable_parallel_tool_use: true })
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Done.'))))
    await ask(bedrock, said('?', { tool_choice: { type: 'any' } }))
    expect(bodyOf(3)['tool_choice']).toEqual({ type: 'auto' })
  })

  test('that searches more often than allowed is told so, and not asked again', async () => {
    const chosen = engineThat()
    bedrock.script(
      say(plan(search('one'))),
      say(plan(search('two'), search('three'))),
      say(plan(words('Done.'))),
    )
    const { content, usage } = await ask(bedrock, said('?', { tools: [{ ...TOOL, max_uses: 2 }] }), {
      chosen,
    })
    expect(codes(content)).toEqual(['found', 'found', 'max_uses_exceeded'])
    expect(chosen.asked).toHaveLength(2)
    expect(usage['server_tool_use']).toMatchObject({ web_search_requests: 2 })
  })

  test('that never stops searching is paused after ten steps, and can be taken up again', async () => {
    for (let step = 0; step < 10; step++) bedrock.script(say(plan(search(`try ${step}`))))
    const { content, message } = await ask(bedrock, said('?', { tools: [{ ...TOOL, max_uses: 3 }] }))
    expect(bedrock.seen).toHaveLength(10)
    expect(message['stop_reason']).toBe('pause_turn')
    expect(codes(content)).toEqual(['found', 'found', 'found', ...Array(7).fill('max_uses_exceeded')])
    bedrock.script(say(plan(words('Done.'))))
    const messages = [
      { role: 'user', content: '?' },
      { role: 'assistant', content },
    ]
    const resumed = await ask(bedrock, said('', { messages }))
    expect(resumed.content).toEqual([{ type: 'text', text: 'Done.' }])
    expect(messagesOf(10).at(-1)).toMatchObject({ role: 'user' })
  })

  test('keeps to max_tokens as a whole', async () => {
    bedrock.script(
      say({ ...plan(search('one')), usage: { output_tokens: 60 } }),
      say({ ...plan(search('two')), usage: { output_tokens: 40 } }),
    )
    const { content, message, usage } = await ask(bedrock, said('?', { max_tokens: 100 }))
    expect([bodyOf(0)['max_tokens'], bodyOf(1)['max_tokens']]).toEqual([100, 40])
    expect(bedrock.seen).toHaveLength(2)
    expect(message['stop_reason']).toBe('max_tokens')
    expect(codes(content)).toEqual(['found', 'found'])
    expect(usage['output_tokens']).toBe(100)
  })

  test('leaves thinking its budget, however little of max_tokens is left', async () => {
    const thinking = { type: 'enabled', budget_tokens: 2_000 }
    bedrock.script(
      say({ ...plan(search('one')), usage: { output_tokens: 3_500 } }),
      say(plan(words('Done.'))),
    )
    await ask(bedrock, said('?', { thinking, max_tokens: 4_000, model: 'claude-sonnet-4-5' }))
    expect(bodyOf(1)['max_tokens']).toBe(2_001)
  })

  test('broken off in the middle of a query pairs the search with an error', async () => {
    const cut: PlanBlock = { type: 'tool_use', name: 'web_search', input: '{"query":"mar' }
    bedrock.script(say({ ...plan(cut), stop_reason: 'max_tokens' }))
    const chosen = engineThat()
    const { content, message } = await ask(bedrock, said('?'), { chosen })
    expect(message['stop_reason']).toBe('max_tokens')
    expect(codes(content)).toEqual(['invalid_tool_input'])
    expect(chosen.asked).toEqual([])
  })

  test('asks the engine nothing that is no question, or too long a one', async () => {
    const chosen = engineThat()
    const odd = (input: Thing): PlanBlock => ({ type: 'tool_use', name: 'web_search', input })
    bedrock.script(
      say(plan(odd({}), odd({ query: '  ' }), odd({ query: 7 }), search('x'.repeat(101)))),
      say(plan(words('Done.'))),
    )
    const { content } = await ask(bedrock, said('?'), { chosen })
    expect(codes(content)).toEqual([
      'invalid_tool_input',
      'invalid_tool_input',
      'invalid_tool_input',
      'query_too_long',
    ])
    expect(chosen.asked).toEqual([])
  })

  test('forgets text that the model began and left empty', async () => {
    bedrock.script(say(plan(words(''), search('marmots'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, said('?'))
    expect(shapes(content)).toEqual(['text', 'server_tool_use', 'web_search_tool_result', 'text'])
    expect(shapes(blocks(messagesOf(1)[1]?.['content']))).toEqual(['tool_use'])
  })
})

describe('what a request wants of its searches', () => {
  test.each([
    [{ allowed_domains: ['rocks.test'] }, ['https://docs.rocks.test/a?b=1']],
    [{ blocked_domains: ['docs.rocks.test/a'] }, ['https://marmots.test/alps']],
    [{ allowed_domains: ['elsewhere.test'] }, []],
  ])('%o: results are kept to it, whatever the engine gives', async (wish: Wish, urls) => {
    const chosen = engineThat()
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, said('?', { tools: [{ ...TOOL, ...wish }] }), { chosen })
    expect(things(content[1]?.['content']).map(({ url }) => url)).toEqual(urls)
    expect(chosen.asked).toMatchObject([
      { allowedDomains: wish.allowed_domains ?? [], blockedDomains: wish.blocked_domains ?? [] },
    ])
  })

  test('the whereabouts of the user go to the engine', async () => {
    const chosen = engineThat()
    const place = {
      type: 'approximate',
      city: 'Chur',
      region: 'Grisons',
      country: 'ch',
      timezone: 'Europe/Zurich',
    }
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Done.'))))
    await ask(bedrock, said('?', { tools: [{ ...TOOL, user_location: place }] }), { chosen })
    expect(chosen.asked).toMatchObject([
      { city: 'Chur', region: 'Grisons', country: 'CH', timezone: 'Europe/Zurich' },
    ])
    expect(Object.keys(chosen.asked[0] ?? {})).not.toContain('edits')
  })

  test('results are pages, each once, with something legible on each', async () => {
    const chosen = engineThat(async () => [
      { url: 'javascript:alert(1)', title: 'No page', snippet: 'x' },
      { url: 'https://a.test/', title: '', snippet: '' },
      { url: 'https://a.test/', title: 'Again', snippet: 'x' },
      { url: 'https://b.test/', title: 'b'.repeat(999), snippet: `${'c'.repeat(3_999)}😀`, pageAge: ' ' },
      { url: 'https://c.test/', title: 'half \ud83d', snippet: ' padded ' },
    ])
    bedrock.script(say(plan(search('marmots'))), say(plan(words('Done.'))))
    const { content } = await ask(bedrock, said('?'), { chosen })
    expect(things(content[1]?.['content'])).toMatchObject([
      { url: 'https://a.test/', title: 'https://a.test/' },
      { url: 'https://b.test/', title: 'b'.repeat(300), page_age: null },
      { url: 'https://c.test/', title: 'half' },
    ])
    const [result] = blocks(messagesOf(1)[2]?.['content'])
    const texts = things(result?.['content']).map((each) => text(things(each['content'])[0]?.['text']))
    expect(texts).toEqual(['https://a.test/', 'c'.repeat(3_999), 'padded'])
  })
})

describe('trouble', () => {
  test('the client hangs up during a search: engine and upstream are let go', async () => {
    bedrock.script(say(plan(search('marmots'))))
    let left = false
    const chosen = engineThat(
      (_query, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            left = true
          })
        }),
    )
    const onEvent = ({ type, index }: Thing) => type === 'content_block_stop' && index === 0
    await ask(bedrock, said('?'), { chosen, onEvent })
    await expect.poll(() => left).toBe(true)
    await sleep(20)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('the client hangs up while the model goes on: the second connection is closed', async () => {
    bedrock.script(say(plan(search('marmots'))), {
      ...say(plan(words('They whistle and whistle.'))),
      kind: 'stall',
      at: 3,
    })
    const onEvent = ({ delta }: Thing) => thing(delta)['type'] === 'text_delta'
    await ask(bedrock, said('?'), { onEvent })
    await expect.poll(() => bedrock.seen[1]?.closedEarly).toBe(true)
  })

  test('the client hangs up before the second call is answered: it is not waited for', async () => {
    bedrock.script(say(plan(search('marmots'))), {
      ...say(plan(words('Late.'))),
      kind: 'stall',
      at: 'before headers',
    })
    const onEvent = async ({ type, index }: Thing) => {
      if (type !== 'content_block_stop' || index !== 1) return false
      await expect.poll(() => bedrock.seen).toHaveLength(2)
      return true
    }
    await ask(bedrock, said('?'), { onEvent })
    await expect.poll(() => bedrock.seen[1]?.closedEarly).toBe(true)
  })

  test('the client of an answer in one piece goes during a search: so does the engine', async () => {
    bedrock.script(say(plan(search('marmots'))))
    const gone = new AbortController()
    let left = false
    const chosen = engineThat(
      (_query, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            left = true
          })
          gone.abort()
        }),
    )
    await expect(ask(bedrock, said('?'), { chosen, stream: false, signal: gone.signal })).rejects.toThrow()
    expect(left).toBe(true)
    expect(bedrock.seen).toHaveLength(1)
  })

  test('the first call is refused: as any other call would be', async () => {
    bedrock.script(refuseWith('ThrottlingException'))
    await expect(ask(bedrock, said('?'))).rejects.toMatchObject({ type: 'rate_limit_error' })
  })

  test('the second call is refused: the stream says so, and what it cost is known', async () => {
    bedrock.script(
      say({ ...plan(search('marmots')), usage: { output_tokens: 33 } }),
      refuseWith('ThrottlingException'),
    )
    const { events, spent } = await ask(bedrock, said('?'))
    expect(types(events).at(-1)).toBe('error')
    expect(types(events)).not.toContain('message_delta')
    expect(spent.at(-1)).toMatchObject({ output_tokens: 33, input_tokens: expect.any(Number) })
  })

  test('the upstream breaks off during the second step: the stream says so', async () => {
    bedrock.script(say(plan(search('marmots'))), {
      ...say(plan(words('They whistle and whistle.'))),
      kind: 'cut',
      events: 4,
    })
    const { events, spent } = await ask(bedrock, said('?'))
    expect(types(events).at(-1)).toBe('error')
    const [first, second] = bedrock.seen.map(({ usage }) => thing(usage))
    expect(spent.at(-1)?.input_tokens).toBe(
      Number(first?.['input_tokens']) + Number(second?.['input_tokens']),
    )
  })
})
