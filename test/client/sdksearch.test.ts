/** Web search through the official SDK, which puts the answer together and sends it back block by block. */
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { post, said, stream as streamed } from '../fakes/caller.ts'
import { type Thing, thing, things } from '../fakes/json.ts'
import type { PlanBlock } from '../fakes/plan.ts'
import { say } from '../fakes/steps.ts'
import { type Conduct, PAGES, startEngine } from './engine.ts'
import { useStage } from './stage.ts'

const engine = await startEngine()
afterAll(() => engine.close())
const stage = useStage({
  env: { WEB_SEARCH: 'custom', WEB_SEARCH_URL: engine.url, EGRESS_ALLOW_LOOPBACK: 'true' },
})
beforeEach(() => {
  engine.asked.length = 0
  engine.conduct = { finds: PAGES }
})

const MODEL = 'claude-opus-4-6'
const TOOL = { type: 'web_search_20250305' as const, name: 'web_search' as const, max_uses: 5 }
const words = (text: string): PlanBlock => ({ type: 'text', text })
const search = (query: string): PlanBlock => ({ type: 'tool_use', name: 'web_search', input: { query } })
const client = () => new Anthropic({ baseURL: stage().gateway.url, apiKey: stage().key, maxRetries: 0 })

/** A conversation that keeps what it is answered exactly as it came. */
function conversation(stream: boolean) {
  const messages: Anthropic.MessageParam[] = []
  return {
    messages,
    async ask(content: string): Promise<Anthropic.Message> {
      messages.push({ role: 'user', content })
      const body = {
        model: MODEL,
        max_tokens: 4_000,
        messages,
        tools: [TOOL],
        thinking: { type: 'adaptive' as const },
      }
      const message = stream
        ? await client().messages.stream(body).finalMessage()
        : await client().messages.create(body)
      messages.push({ role: 'assistant', content: message.content })
      return message
    },
  }
}

const typesOf = ({ content }: Anthropic.Message) => content.map(({ type }) => type)
const CONDUCTS: [string, Conduct, number][] = [
  ['pages', { finds: PAGES }, 1],
  ['nothing', { finds: [] }, 1],
  ['an error', { fails: 500 }, 0],
  ['a throttle', { fails: 429 }, 0],
]

describe.each([
  ['streamed', true],
  ['in one piece', false],
])('%s', (_, stream) => {
  test.each(CONDUCTS)(
    'a search that finds %s, its answer, three more turns, and a count of it all',
    async (_name, conduct, counted) => {
      engine.conduct = conduct
      stage().fake.script(
        say({ content: [words('I look.'), search('marmots')] }),
        say({ content: [words('They whistle.')] }),
        say({ content: [words('Yes.')] }),
        say({ content: [search('rocks')] }),
        say({ content: [words('They do not.')] }),
        say({ content: [words('Bye.')] }),
      )
      const { ask, messages } = conversation(stream)
      const first = await ask('What do marmots do?')
      expect(typesOf(first)).toEqual(['text', 'server_tool_use', 'web_search_tool_result', 'text'])
      expect(first.stop_reason).toBe('end_turn')
      expect(first.usage.server_tool_use?.web_search_requests).toBe(counted)
      expect(typesOf(await ask('Sure?'))).toEqual(['text'])
      expect(typesOf(await ask('And rocks?'))).toEqual(['server_tool_use', 'web_search_tool_result', 'text'])
      expect(typesOf(await ask('Thanks.'))).toEqual(['text'])

      expect(engine.asked.map(({ query }) => query)).toEqual(['marmots', 'rocks'])
      const rows = await stage().ledger(4)
      expect(rows.map(({ status, attempts, web_searches }) => [status, attempts, web_searches])).toEqual([
        ['succeeded', 2, counted],
        ['succeeded', 1, 0],
        ['succeeded', 2, counted],
        ['succeeded', 1, 0],
      ])
      const asked = { model: MODEL, tools: [TOOL], thinking: { type: 'adaptive' as const } }
      messages.push({ role: 'user', content: 'Good night.' })
      const tokens = await client().messages.countTokens({ ...asked, messages })
      const [last] = stage().fake.seen.slice(-1)
      expect(last?.operation).toBe('count')
      expect(tokens.input_tokens).toBeGreaterThan(inputOf(rows.at(-1)?.usage))
    },
  )

  test('every turn begins upstream with the very conversation of the one before', async () => {
    stage().fake.script(
      say({ content: [words('I look.'), search('marmots')] }),
      say({ content: [words('They whistle.')] }),
      say({ content: [words('Yes.')] }),
    )
    const { ask } = conversation(stream)
    await ask('What do marmots do?')
    await ask('Sure?')
    const [, second, third] = stage().fake.seen.map(({ body }) => things(thing(body)['messages']))
    expect(third?.slice(0, second?.length)).toEqual(second)
    await stage().ledger(2)
  })
})

function inputOf(usage: Thing | undefined): number {
  return ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h'].reduce(
    (sum, name) => sum + Number(usage?.[name] ?? 0),
    0,
  )
}

test('an engine slower than anybody waits has failed, streamed or not, and the conversation goes on', async () => {
  engine.conduct = { stalls: 20_000 }
  const talk = async (stream: boolean) => {
    const { ask } = conversation(stream)
    const first = await ask('!call web_search {"query":"marmots"}')
    const found = first.content.find((block) => block.type === 'web_search_tool_result')
    expect(found?.content).toMatchObject({ type: 'web_search_tool_result_error', error_code: 'unavailable' })
    expect(first.content.at(-1)).toMatchObject({ type: 'text' })
    for (const word of ['one', 'two', 'three']) {
      expect((await ask(`!say ${word}`)).content.at(-1)).toMatchObject({ type: 'text', text: word })
    }
  }
  await Promise.all([talk(true), talk(false)])
  const rows = await stage().ledger(8)
  expect(rows.map(({ status, web_searches }) => [status, web_searches])).toEqual(
    Array(8).fill(['succeeded', 0]),
  )
})

describe('the wait between what the engine finds and the words of the model', () => {
  /** How long the model takes for its first word. */
  const THINKS = 400
  const answer = { content: [words('They whistle, and that is all.')], delay: THINKS, pace: 20 }
  /** Of one run, this machine being busy. */
  const ROUNDS = 5

  /** From the request to the first words, with nothing in between. */
  async function ofUpstream(): Promise<number> {
    stage().fake.script(say(answer))
    const started = performance.now()
    const response = await streamed(stage().fake, said('And?'))
    let heard = ''
    for await (const piece of response.body ?? []) {
      heard += Buffer.from(piece as Uint8Array).toString('latin1')
      // Events are base64 within frames: the third is the first piece of text.
      if (heard.split(':event-type').length > 3) break
    }
    return performance.now() - started
  }

  async function ofTheGateway(): Promise<number> {
    stage().fake.script(say({ content: [search('marmots')] }), say(answer))
    const body = {
      model: MODEL,
      max_tokens: 4_000,
      messages: [{ role: 'user' as const, content: '?' }],
      tools: [TOOL],
    }
    let first = 0
    for await (const event of client().messages.stream(body)) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        first ||= performance.now()
    }
    return first - engine.answeredAt
  }

  const middle = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0

  test("is the upstream's own", async () => {
    await (await post(stage().fake, said('warm'))).text()
    const own: number[] = []
    const whole: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      own.push(await ofUpstream())
      whole.push(await ofTheGateway())
    }
    const figures = { upstream: Math.round(middle(own)), gateway: Math.round(middle(whole)) }
    console.log('from what the engine found to the first words, ms:', figures)
    expect(figures.gateway).toBeLessThan(figures.upstream * 1.25 + 50)
    await stage().ledger(ROUNDS)
  })
})
