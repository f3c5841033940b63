import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Plan, PlanBlock } from '../fakes/plan.ts'
import { type Step, say } from '../fakes/steps.ts'
import { ask, engineThat, refusals, said } from './searchstage.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())
afterEach(() => expect(refusals(bedrock)).toEqual([]))

const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const plan = (...content: PlanBlock[]): Plan => ({ content })
const lastBody = () => thing(bedrock.seen.at(-1)?.body)
const lastMessages = () => things(lastBody()['messages'])
const user = (content: unknown): Thing => ({ role: 'user', content })
const assistant = (content: unknown): Thing => ({ role: 'assistant', content })

const MARMOTS = 'https://marmots.test/alps'
const ROCKS = 'https://docs.rocks.test/a?b=1'

function location(index: number, source: string, more: Thing = {}): Thing {
  return {
    type: 'search_result_location',
    cited_text: 'They whistle.',
    source,
    title: 'Alpine marmots',
    search_result_index: index,
    start_block_index: 0,
    end_block_index: 1,
    ...more,
  }
}

/** An answer of the model that cites. */
function citing(...citations: Thing[]): Step {
  const deltas = [
    { type: 'text_delta', text: 'They whistle.' },
    ...citations.map((citation) => ({ type: 'citations_delta', citation })),
  ]
  const start = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    usage: { input_tokens: 1 },
  }
  return {
    kind: 'events',
    events: [
      { type: 'message_start', message: start },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: [] } },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ],
  }
}

const citationsIn = (content: readonly Thing[]) => things(content.at(-1)?.['citations'])
const searchResults = (messages: readonly Thing[]) =>
  messages
    .flatMap(({ content }) =>
      blocks(content).flatMap((block) =>
        block['type'] === 'tool_result' ? blocks(block['content']) : [block],
      ),
    )
    .filter(({ type }) => type === 'search_result')

describe('what the model cites', () => {
  test.each([true, false])('is told as pages of the web, streamed: %s', async (stream) => {
    bedrock.script(say(plan(search('marmots'))), citing(location(0, MARMOTS), location(1, ROCKS)))
    const { content } = await ask(bedrock, said('?'), { stream })
    expect(citationsIn(content)).toEqual([
      {
        type: 'web_search_result_location',
        cited_text: 'They whistle.',
        url: MARMOTS,
        title: 'Alpine marmots',
        encrypted_index: expect.stringMatching(/^b2Mx/),
      },
      expect.objectContaining({ url: ROCKS, title: 'Rocks & "stones"' }),
    ])
  })

  test('is told in the words of the page, but not in too many', async () => {
    bedrock.script(
      say(plan(search('marmots'))),
      citing(location(0, MARMOTS, { cited_text: 'w'.repeat(400) })),
    )
    const { content } = await ask(bedrock, said('?'))
    expect(text(citationsIn(content)[0]?.['cited_text'])).toBe(`${'w'.repeat(147)}...`)
  })

  test('comes back to it in the words it had, in every turn that follows', async () => {
    const cited = location(0, MARMOTS)
    bedrock.script(
      say(plan(search('marmots'))),
      citing(cited),
      say(plan(search('rocks'))),
      citing(location(2, MARMOTS)),
    )
    const first = await ask(bedrock, said('?'))
    const messages = [user('?'), assistant(first.content), user('And rocks?')]
    const second = await ask(bedrock, said('', { messages }))
    expect(things(blocks(lastMessages()[3]?.['content'])[0]?.['citations'])).toEqual([cited])
    expect(citationsIn(second.content)).toMatchObject([{ type: 'web_search_result_location', url: MARMOTS }])
    bedrock.script(say(plan({ type: 'text', text: 'Bye.' })))
    await ask(bedrock, said('', { messages: [...messages, assistant(second.content), user('Thanks.')] }))
    const [, , , , , , , told] = lastMessages()
    expect(things(blocks(told?.['content'])[0]?.['citations'])).toEqual([location(2, MARMOTS)])
    expect(searchResults(lastMessages())).toHaveLength(4)
  })

  test('from a search of an earlier turn is told as well, though this one has no tool', async () => {
    bedrock.script(say(plan(search('marmots'))), citing(location(0, MARMOTS)), citing(location(0, MARMOTS)))
    const first = await ask(bedrock, said('?'))
    const messages = [user('?'), assistant(first.content), user('Again?')]
    const { content } = await ask(bedrock, { ...said('', { messages }), tools: undefined })
    expect(citationsIn(content)).toMatchObject([{ type: 'web_search_result_location', url: MARMOTS }])
  })

  test('of other documents is left as it is', async () => {
    const page = { type: 'page_location', cited_text: 'x', document_index: 0, start_page_number: 1 }
    const lost = location(7, 'https://nowhere.test')
    bedrock.script(say(plan(search('marmots'))), citing(page, lost))
    const { content } = await ask(bedrock, said('?'))
    expect(citationsIn(content)).toEqual([page, lost])
  })
})

describe('beside search results that the client brings', () => {
  const own = (source: string, more: Thing = {}) => ({
    type: 'search_result',
    source,
    title: source,
    content: [{ type: 'text', text: 'Ours.' }],
    ...more,
  })
  const on = { citations: { enabled: true } }

  test('both are counted for the model, and only its own for the client', async () => {
    const asked = user([own('own:1', on), { type: 'text', text: '?' }])
    bedrock.script(say(plan(search('marmots'))), citing(location(0, 'own:1'), location(2, ROCKS)))
    const first = await ask(bedrock, said('', { messages: [asked] }))
    expect(citationsIn(first.content)).toMatchObject([
      { type: 'search_result_location', source: 'own:1', search_result_index: 0 },
      { type: 'web_search_result_location', url: ROCKS },
    ])
    const more = user([own('own:2', on), { type: 'text', text: 'And?' }])
    bedrock.script(citing(location(3, 'own:2'), location(1, MARMOTS)))
    const second = await ask(bedrock, said('', { messages: [asked, assistant(first.content), more] }))
    expect(things(blocks(lastMessages()[3]?.['content'])[0]?.['citations'])).toMatchObject([
      { source: 'own:1', search_result_index: 0 },
      { source: ROCKS, search_result_index: 2 },
    ])
    expect(citationsIn(second.content)).toMatchObject([
      { source: 'own:2', search_result_index: 1 },
      { url: MARMOTS },
    ])
    bedrock.script(say(plan({ type: 'text', text: 'Bye.' })))
    const messages = [asked, assistant(first.content), more, assistant(second.content), user('Bye.')]
    await ask(bedrock, said('', { messages }))
    expect(things(blocks(lastMessages()[5]?.['content'])[0]?.['citations'])).toMatchObject([
      { source: 'own:2', search_result_index: 3 },
      { source: MARMOTS, search_result_index: 1 },
    ])
  })

  test.each([
    ['has citations off', own('own:1')],
    [
      'has them off in a tool result',
      { type: 'tool_result', tool_use_id: 'toolu_1', content: [own('own:1')] },
    ],
  ])('one that %s turns ours off: all of a request must be alike', async (_, block) => {
    const call = { type: 'tool_use', id: 'toolu_1', name: 'web_search', input: {} }
    const before = block.type === 'tool_result' ? [user('?'), assistant([call])] : []
    bedrock.script(say(plan(search('marmots'))), say(plan({ type: 'text', text: 'Yes.' })))
    await ask(bedrock, said('', { messages: [...before, user([block, { type: 'text', text: '?' }])] }))
    expect(searchResults(lastMessages())).toHaveLength(3)
    expect(searchResults(lastMessages()).some((each) => 'citations' in each)).toBe(false)
  })

  test('none is cited where the answer has to fit a schema', async () => {
    const format = { type: 'json_schema', schema: { type: 'object' } }
    bedrock.script(say(plan(search('marmots'))), say(plan({ type: 'text', text: '{}' })))
    await ask(bedrock, said('?', { output_config: { format } }), { chosen: engineThat() })
    expect(searchResults(lastMessages())).toHaveLength(2)
    expect(searchResults(lastMessages()).some((each) => 'citations' in each)).toBe(false)
  })
})
