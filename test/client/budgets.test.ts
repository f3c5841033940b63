/** Budgets and Claude Code: it stops at one refusal and shows the sentence; and when it warns before that. */
import { describe, expect, test } from 'vitest'
import { VERSIONS } from './install.ts'
import { useStage } from './stage.ts'

const stage = useStage()
const CENT = 10_000_000

/** A key with a budget, which may be changed. */
async function keyWith(capNano: number) {
  const { gateway } = stage()
  const { id, key } = await gateway.makeKey({ name: 'on a budget' })
  const wish = { scope: 'key', subject: id, window: 'month', cap_nano: capNano }
  const response = await gateway.admin('POST', '/budgets', wish)
  expect(response.status).toBe(201)
  const budget = (await response.json()) as { id: string }
  return {
    id,
    key,
    async change(change: object) {
      expect((await gateway.admin('PATCH', `/budgets/${budget.id}`, change)).status).toBe(200)
    },
  }
}

/** Lines of `--output-format stream-json` of a type. */
function linesOf(stdout: string, type: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['type'] === type)
}

const GATEWAY = () => ({ CLAUDE_CODE_USE_GATEWAY: '1' })

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each([
    ['with a key', () => ({})],
    ['in gateway mode', GATEWAY],
  ])(
    '%s, a budget that is spent: one try, nothing upstream, and the sentence on the screen',
    async (_, env) => {
      await stage().gateway.admin('PATCH', '/organisation', { contact: '#ai-budget' })
      const { id, key } = await keyWith(CENT / 10_000)
      await stage().run({ version, key, env: env(), args: ['-p', 'Greet the marmots'] })
      const upstream = stage().fake.seen.length
      const { code, stdout, ms } = await stage().run({
        version,
        key,
        env: env(),
        args: ['-p', 'Greet them again'],
      })
      console.log(`${version} ${JSON.stringify(env())}: ${stdout.trim()} (${ms} ms)`)
      expect(code).toBe(1)
      expect(stdout).toContain("This key's monthly budget is spent: $")
      expect(stdout).toContain('Ask #ai-budget for more.')
      expect(stage().fake.seen).toHaveLength(upstream)
      const refused = await stage().gateway.settled(1, { key: id, status: 'refused' })
      expect(refused).toMatchObject([{ attempts: 0, error_type: 'billing_error' }])
      expect(ms).toBeLessThan(10_000)
    },
  )

  test.each([
    ['with a key', () => ({}), []],
    ['in gateway mode', GATEWAY, ['2.1.328', '2.1.257']],
  ])(
    '%s, a budget that is nearly spent: the notice of the client, where it has one',
    async (_, env, noticing) => {
      const { id, key, change } = await keyWith(100_000 * CENT)
      await stage().run({ version, key, env: env(), args: ['-p', 'Greet the marmots'] })
      const [row] = await stage().gateway.settled(1, { key: id })
      await change({ cap_nano: Math.round((row?.cost_nano ?? 0) / 0.8) })
      const { stdout } = await stage().run({
        version,
        key,
        env: env(),
        args: ['-p', 'Greet them again', '--output-format', 'stream-json', '--verbose'],
      })
      const events = linesOf(stdout, 'rate_limit_event')
      console.log(`${version} ${JSON.stringify(env())}: ${JSON.stringify(events)}`)
      const warned = events.map(({ rate_limit_info: info }) => (info as { status: string }).status)
      expect(warned.includes('allowed_warning')).toBe((noticing as readonly string[]).includes(version))
    },
  )
})
