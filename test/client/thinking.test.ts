/** Thinking: signed by the fake, kept by the client, and byte for byte the same when it comes back. */
import { describe, expect, test } from 'vitest'
import { blocks, type Thing, text, thing, things } from '../fakes/json.ts'
import { emptyHome, turnResults, userLine } from './claude.ts'
import { VERSIONS } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

function thoughtsIn(body: unknown): Thing[] {
  return things(thing(body)['messages'])
    .flatMap((message) => blocks(message['content']))
    .filter((block) => block['type'] === 'thinking')
}

const STREAM_JSON = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each([
    ['its usual model', []],
    ['Haiku 4.5, with a fixed budget', ['--model', 'claude-haiku-4-5']],
    ['Opus 5.5', ['--model', 'claude-opus-5-5']],
  ])('thinking survives a tool call and a continued conversation: %s', async (_, model) => {
    const home = await emptyHome()
    const first = ['-p', '!bash echo one', '--dangerously-skip-permissions', ...model]
    expect(await stage().run({ version, home, args: first })).toMatchObject({ code: 0 })
    const next = await stage().run({
      version,
      home,
      args: ['-p', '!say and on we go', '--continue', ...model],
    })
    expect(next.code).toBe(0)
    expect(next.stdout).toContain('and on we go')
    await accounted(stage(), 3)
    expect(stage().fake.seen.map(({ body }) => thoughtsIn(body).length)).toEqual([0, 1, 2])
    expect(
      thoughtsIn(stage().fake.seen[2]?.body).every((block) => text(block['signature']).length > 40),
    ).toBe(true)
  })

  test('a conversation over stream-json keeps its thinking', async () => {
    const input = [
      userLine('!think of marmots'),
      userLine('!redact something else'),
      userLine('!say goodbye'),
    ]
    const { code, stdout } = await stage().run({ version, args: ['-p', ...STREAM_JSON], input })
    expect(code).toBe(0)
    expect(turnResults(stdout)).toEqual([
      'I thought about it: of marmots',
      'I would rather not say what I thought.',
      'goodbye',
    ])
    await accounted(stage(), 3)
    expect(thoughtsIn(stage().fake.seen[2]?.body)).toHaveLength(1)
    expect(JSON.stringify(stage().fake.seen[2]?.body)).toContain('"redacted_thinking"')
  })
})
