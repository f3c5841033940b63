/** What people switch on: each setting changes what the client sends, and all of it must pass. */
import { describe, expect, test } from 'vitest'
import { type Thing, thing, things } from '../fakes/json.ts'
import { emptyHome, turnResults, userLine } from './claude.ts'
import { VERSIONS, type Version } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

const SKIP = '--dangerously-skip-permissions'
const BASH = ['-p', '!bash echo mar$((20+2))mot', SKIP]

/** Name, environment, arguments after BASH. */
const SETTINGS: [string, Record<string, string>, string[]][] = [
  ['no prompt caching', { DISABLE_PROMPT_CACHING: '1' }, []],
  ['no thinking', { CLAUDE_CODE_DISABLE_THINKING: '1' }, []],
  ['no thinking tokens', { MAX_THINKING_TOKENS: '0' }, []],
  ['a fixed thinking budget', { MAX_THINKING_TOKENS: '5000' }, []],
  ['no adaptive thinking', { CLAUDE_CODE_DISABLE_ADAPTIVE_THINKING: '1' }, []],
  ['no experimental betas', { CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1' }, []],
  ['betas of the Anthropic API alone', { ANTHROPIC_BETAS: 'prompt-caching-scope-2026-01-05' }, []],
  ['gateway mode', { CLAUDE_CODE_USE_GATEWAY: '1' }, []],
  ['hint headers', { CLAUDE_CODE_GATEWAY_HINT_HEADERS: '1' }, []],
  ['no attribution line', { CLAUDE_CODE_ATTRIBUTION_HEADER: '0' }, []],
  ['tool input as it is written', { CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING: '1' }, []],
  ['a field more in the body', { CLAUDE_CODE_EXTRA_BODY: '{"service_tier":"auto"}' }, []],
  ['a million tokens of context', {}, ['--model', 'claude-sonnet-4-5[1m]']],
  ['all the effort there is', {}, ['--effort', 'max']],
  ['effort on a model without', {}, ['--model', 'claude-haiku-4-5', '--effort', 'high']],
  [
    'no thinking on a model that always does',
    { CLAUDE_CODE_DISABLE_THINKING: '1' },
    ['--model', 'claude-haiku-5-5'],
  ],
  ['a Bedrock model id', {}, ['--model', 'us.anthropic.claude-opus-4-8']],
  [
    'an application inference profile',
    {},
    ['--model', 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'],
  ],
]

const PDF = Buffer.from('%PDF-1.1\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n').toString(
  'base64',
)

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each(SETTINGS)('%s', async (_, env, args) => {
    const { code, stdout } = await stage().run({ version, args: [...BASH, ...args], env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The command printed: mar22mot\n' })
    await accounted(stage(), 2)
  })

  test('a beta that nobody knows costs one hidden retry, once', async () => {
    const { fake, run, ledger } = stage()
    const { stdout } = await run({ version, args: BASH, env: { ANTHROPIC_BETAS: 'something-2099-01-01' } })
    expect(stdout).toBe('The command printed: mar22mot\n')
    expect(fake.seen.map(({ outcome }) => outcome)).toEqual(['refused', 'accepted', 'accepted'])
    expect((await ledger(2)).map(({ attempts }) => attempts).toSorted()).toEqual([1, 2])
    fake.seen.shift() // the one refusal there may be
  })

  test('an hour of caching is written, and billed, as an hour', async () => {
    await stage().run({ version, args: BASH, env: { ENABLE_PROMPT_CACHING_1H: '1' } })
    const [row] = await accounted(stage(), 2)
    expect(row?.usage.cache_write_1h).toBeGreaterThan(1_000)
    expect(row?.usage.cache_write_5m).toBe(0)
  })

  test('tools found by search are called', async () => {
    const prompt = '!call ToolSearch {"query":"select:WebFetch","max_results":5}\n!bash echo found'
    const { stdout } = await stage().run({
      version,
      args: ['-p', prompt, SKIP],
      env: { ENABLE_TOOL_SEARCH: 'true' },
    })
    expect(stdout).toContain('The command printed: found')
    await accounted(stage(), 3)
    expect(JSON.stringify(stage().fake.seen[1]?.body)).toContain('"tool_reference"')
  })

  test('structured output', async () => {
    const schema = '{"type":"object","properties":{"animal":{"type":"string"}},"required":["animal"]}'
    const args = ['-p', 'Which animal?', '--json-schema', schema, '--output-format', 'json']
    const { stdout } = await stage().run({ version, args })
    expect(thing(JSON.parse(stdout))['structured_output']).toEqual({ animal: 'Outcrop' })
    await stage().ledger(stage().fake.seen.length)
  })

  test('a conversation is compacted and goes on', async () => {
    const home = await emptyHome()
    await stage().run({ version, home, args: BASH })
    expect(await stage().run({ version, home, args: ['-p', '/compact', '--continue'] })).toMatchObject({
      code: 0,
    })
    const next = await stage().run({ version, home, args: ['-p', '!say and on', '--continue'] })
    expect(next.stdout).toContain('and on')
    await stage().ledger(stage().fake.seen.length)
  })

  test('a PDF in the prompt', async () => {
    const document = {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: PDF },
    }
    const input = [userLine([document, { type: 'text', text: '!say read' }])]
    const args = ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']
    const { stdout } = await stage().run({ version, args, input })
    expect(turnResults(stdout)).toEqual(['read'])
    await accounted(stage(), 1)
  })
})

const JUDGES: readonly Version[] = ['2.1.328']

test.each(VERSIONS.filter((version) => JUDGES.includes(version)))(
  '%s: auto mode has its calls judged',
  async (version) => {
    const { code, stdout } = await stage().run({
      version,
      args: ['-p', '!bash echo safe', '--permission-mode', 'auto'],
    })
    expect(code).toBe(0)
    expect(stdout).toContain('The command printed: safe')
    await accounted(stage(), 2)
    const safeguards: readonly Thing[] = things(thing(stage().fake.seen[0]?.body)['safeguards'])
    expect(safeguards[0]?.['type']).toBe('dangerous_tool_use')
  },
)
