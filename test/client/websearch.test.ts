/** Web search in Claude Code: its tool makes a request of its own, and the conversation goes on with what was found. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { brain } from '../fakes/brain.ts'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import type { Brain } from '../fakes/plan.ts'
import type { SeenRequest } from '../fakes/seen.ts'
import { turnResults, userLine } from './claude.ts'
import { type Conduct, PAGES, startEngine } from './engine.ts'
import { VERSIONS, type Version } from './install.ts'
import { useStage } from './stage.ts'

const PATIENCE = 10_000
const SUBJECTS = /alpine marmots|old rocks/

const isSideRequest = (body: Thing) => {
  const [only, ...others] = things(body['tools'])
  return only?.['name'] === 'web_search' && others.length === 0
}

/** In the request that the client makes for a search, the model searches, then says what came of it. */
const searcher: Brain = (body, about) => {
  if (!isSideRequest(body)) return brain(body, about)
  const last = blocks(things(body['messages']).at(-1)?.['content'])
  const found = last.find(({ type }) => type === 'tool_result')
  if (found) {
    const said = found['is_error'] ? 'The search failed.' : `I read ${things(found['content']).length} pages.`
    return { content: [{ type: 'text', text: said }] }
  }
  const [query = ''] = SUBJECTS.exec(JSON.stringify(body['messages'])) ?? []
  return {
    content: [
      { type: 'text', text: 'I search.' },
      { type: 'tool_use', name: 'web_search', input: { query } },
    ],
  }
}

const engine = await startEngine()
afterAll(() => engine.close())
const stage = useStage({
  brain: searcher,
  env: { WEB_SEARCH: 'custom', WEB_SEARCH_URL: engine.url, EGRESS_ALLOW_LOOPBACK: 'true' },
})
beforeEach(() => {
  engine.asked.length = 0
  engine.conduct = { finds: PAGES }
})

const STREAM_JSON = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']
const SEARCHING = ['-p', ...STREAM_JSON, '--allowedTools', 'WebSearch']
const searchFor = (query: string) => userLine(`!call WebSearch {"query":"${query}"}`)

async function converse(version: Version, key = stage().key) {
  const input = [
    searchFor('alpine marmots'),
    userLine('!think about marmots'),
    searchFor('old rocks'),
    userLine('!say goodbye'),
  ]
  const { code, stdout, stderr } = await stage().run({ version, args: SEARCHING, input, key })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return turnResults(stdout)
}

/** A turn with a search is four requests upstream, of which two are one request of the client's. */
const STEPS = ['main', 'side', 'side', 'main', 'main', 'main', 'side', 'side', 'main', 'main']

function kinds(seen: readonly SeenRequest[]): string[] {
  return seen.map(({ body }) => (isSideRequest(thing(body)) ? 'side' : 'main'))
}

const outputOf = ({ usage }: SeenRequest) => Number(thing(usage)['output_tokens'])

/** One row for each request of the client's, with the cost of all its steps. */
async function booked(searches: number): Promise<void> {
  const { seen } = stage().fake
  expect(kinds(seen)).toEqual(STEPS)
  const rows = await stage().ledger(8)
  const [main, side] = [
    { attempts: 1, web_searches: 0 },
    { attempts: 2, web_searches: searches },
  ]
  expect(
    rows.map(({ status, usage_source, attempts, web_searches }) => ({
      status,
      usage_source,
      attempts,
      web_searches,
    })),
  ).toEqual(
    [main, side, main, main, main, side, main, main].map((row) => ({
      status: 'succeeded',
      usage_source: 'final',
      ...row,
    })),
  )
  const spent = (row: number) => rows[row]?.usage.output
  expect(spent(1)).toBe(seen.slice(1, 3).reduce((sum, each) => sum + outputOf(each), 0))
  expect(spent(5)).toBe(seen.slice(6, 8).reduce((sum, each) => sum + outputOf(each), 0))
}

/** What the client made of a search, for the model of its conversation to read. */
function told(seen: SeenRequest | undefined): string {
  const results = things(thing(seen?.body)['messages'])
    .flatMap(({ content }) => [...blocks(content)])
    .filter(({ type }) => type === 'tool_result')
  return results.map(({ content }) => blocks(content).map((block) => text(block['text']))).join('\n')
}

const CONDUCTS: [string, Conduct, { searches: number; said: string; finds: boolean }][] = [
  ['pages', { finds: PAGES }, { searches: 1, said: 'I read 2 pages.', finds: true }],
  ['nothing', { finds: [] }, { searches: 1, said: 'I read 0 pages.', finds: false }],
  ['an error', { fails: 500 }, { searches: 0, said: 'The search failed.', finds: false }],
]

/** 2.1.257 asks again without a beta, whatever a 400 says. */
const TRIES: Record<Version, number> = { '2.1.328': 1, '2.1.257': 2, '2.1.126': 1 }

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each(CONDUCTS)(
    'searches, finds %s, and goes on for three more turns',
    async (_, conduct, { searches, said, finds }) => {
      engine.conduct = conduct
      const [first, second, third, fourth] = await converse(version)
      for (const turn of [first, third]) expect(turn).toContain(said)
      expect(second).toBe('I thought about it: about marmots')
      expect(fourth).toBe('goodbye')
      expect(engine.asked.map(({ query }) => query)).toEqual(['alpine marmots', 'old rocks'])
      expect(told(stage().fake.seen[9]).includes('https://marmots.test/alps')).toBe(finds)
      await booked(searches)
    },
  )

  test('searching where web search is switched off: the sentence that says so, and no ladder of tries', async () => {
    await stage().gateway.admin('PUT', '/search', { mode: 'off' })
    const { key, id } = await stage().gateway.makeKey({ name: 'searches nothing' })
    const tries = () =>
      stage()
        .gateway.stdout()
        .split('\n')
        .filter((line) => line.includes(id) && line.includes('policy_blocked'))
    const args = ['-p', '!call WebSearch {"query":"alpine marmots"}', '--allowedTools', 'WebSearch']
    const { code, stdout } = await stage().run({ version, args, key })
    await stage().gateway.admin('PUT', '/search', { mode: 'all' })
    expect(code).toBe(0)
    expect(stdout).toContain('Web search is switched off on this gateway.')
    expect(tries()).toHaveLength(TRIES[version])
    expect(engine.asked).toEqual([])
    expect(kinds(stage().fake.seen)).toEqual(['main', 'main'])
    await stage().ledger(2)
  })
})

test.each(VERSIONS.slice(0, 1))(
  '%s: an engine slower than anybody waits is one that failed',
  async (version) => {
    engine.conduct = { stalls: PATIENCE * 2 }
    const args = ['-p', '!call WebSearch {"query":"alpine marmots"}', '--allowedTools', 'WebSearch']
    const { code, stdout, ms } = await stage().run({ version, args })
    expect(code).toBe(0)
    expect(stdout).toContain('The search failed.')
    expect(ms).toBeGreaterThan(PATIENCE)
    expect(ms).toBeLessThan(PATIENCE * 2)
    expect(kinds(stage().fake.seen)).toEqual(STEPS.slice(0, 4))
    expect(await stage().ledger(3)).toMatchObject([{}, { attempts: 2, web_searches: 0 }, {}])
  },
)
