/** Trouble: a bad key, a throttled model, a stream that breaks, a client that goes away. */
import { describe, expect, test } from 'vitest'
import type { PlanBlock } from '../fakes/plan.ts'
import { type Kind, say, slow, throttle } from '../fakes/steps.ts'
import { VERSIONS, type Version } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

function misspelt(key: string): string {
  return key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')
}

const STORY: PlanBlock[] = [{ type: 'text', text: 'Once upon a time a marmot lived here', deltas: 8 }]

/** Ways for a stream to break off in the middle of its text. */
const BREAKS: [string, Kind][] = [
  ['an exception', { kind: 'exception', name: 'internalServerException', after: 6 }],
  ['an error frame', { kind: 'error', code: 'InternalFailure', message: 'it broke', after: 6 }],
  ['an early end', { kind: 'end', events: 6 }],
  ['an end within a frame', { kind: 'end', events: 6, middle: true }],
  ['a cut connection', { kind: 'cut', events: 6 }],
  ['a damaged frame', { kind: 'corrupt', frame: 6, how: 'payload' }],
]

/** Versions that take up again whatever broke off. */
const RESUMES: readonly Version[] = ['2.1.328', '2.1.257']

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each([
    ['misspelt', 'This is not a key of this gateway.'],
    ['deleted', 'This key is not known here.'],
  ])('a %s key: one try, and a sentence that says what to do', async (kind, sentence) => {
    const gone = await stage().gateway.makeKey({ name: 'soon gone' })
    await stage().gateway.admin('DELETE', `/keys/${gone.id}`)
    const key = kind === 'misspelt' ? misspelt(stage().key) : gone.key
    const { code, stdout, ms } = await stage().run({ version, key, args: ['-p', 'hello'] })
    expect(code).toBe(1)
    expect(stdout).toContain('401')
    expect(stdout).toContain(sentence)
    expect(ms).toBeLessThan(5_000)
    expect(stage().fake.seen).toEqual([])
  })

  test('throttled once: the answer comes all the same', async () => {
    stage().fake.script(throttle())
    const { code, stdout } = await stage().run({ version, args: ['-p', 'Greet the marmots'] })
    expect(code).toBe(0)
    expect(stdout).toContain('Greet the marmots')
    expect(stage().fake.seen.map(({ outcome }) => outcome)).toEqual(['refused', 'accepted'])
  })

  test('cut before the first block: the client asks again and gets its answer', async () => {
    stage().fake.script({ kind: 'cut', events: 1 })
    const { code, stdout } = await stage().run({ version, args: ['-p', 'Greet the marmots'] })
    expect(code).toBe(0)
    expect(stdout).toContain('Greet the marmots')
    expect(stage().fake.seen).toHaveLength(2)
  })

  test.each(['SIGKILL', 'SIGINT'] as const)(
    '%s in mid-stream: the request upstream ends within a second',
    async (signal) => {
      stage().fake.script(slow(20))
      const client = await stage().start({ version, args: ['-p', '!long 3000'] })
      await expect.poll(() => stage().fake.seen.length, { timeout: 20_000, interval: 20 }).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 500))
      const [seen] = stage().fake.seen
      expect(seen?.closedAt).toBeUndefined()
      const killed = Date.now()
      client.kill(signal)
      await client.done
      await expect.poll(() => seen?.closedEarly, { timeout: 2_000, interval: 10 }).toBe(true)
      expect((seen?.closedAt ?? 0) - killed).toBeLessThan(1_000)
      const [row] = await stage().ledger(1)
      expect(row).toMatchObject({ status: 'cancelled', usage_source: 'partial' })
      expect(row?.usage.output).toBeGreaterThan(0)
    },
  )

  test('two seconds of silence upstream is not the end', async () => {
    stage().fake.script({ kind: 'stall', at: 2, ms: 2_000 })
    expect(await stage().run({ version, args: ['-p', 'Greet the marmots'] })).toMatchObject({ code: 0 })
    await accounted(stage(), 1)
  })

  test.each(BREAKS)('%s in mid-stream is never taken for the end', async (_, kind) => {
    stage().fake.script(
      { ...kind, reply: { content: STORY }, pace: 10 },
      say({ content: [{ type: 'text', text: 'The end.' }] }),
    )
    const { code, stdout } = await stage().run({ version, args: ['-p', 'Tell me a story'] })
    if (RESUMES.includes(version)) expect(code).toBe(0)
    if (code === 0) expect(stdout).toContain('The end.')
    else expect(stdout).toContain('API Error')
    const rows = await stage().ledger(stage().fake.seen.length)
    expect(rows[0]).toMatchObject({ status: 'failed_midstream', usage_source: 'partial' })
  })
})
