/** Tools: called, answered, called again; several at once. */
import { describe, expect, test } from 'vitest'
import { blocks, type Thing, thing, things } from '../fakes/json.ts'
import { VERSIONS } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

function resultsIn(body: unknown): Thing[] {
  const last = things(thing(body)['messages'])
    .filter((message) => message['role'] === 'user')
    .at(-1)
  return blocks(last?.['content']).filter((block) => block['type'] === 'tool_result')
}

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test('a Bash round trip: the command runs here, its output goes up', async () => {
    const args = ['-p', '!bash echo mar$((20+2))mot', '--allowedTools', 'Bash']
    const { code, stdout } = await stage().run({ version, args })
    expect(code).toBe(0)
    expect(stdout).toContain('The command printed: mar22mot')
    await accounted(stage(), 2)
  })

  test('two calls in one answer get two results in one request', async () => {
    const args = [
      '-p',
      '!parallel echo alp$((1+1))ine || echo be$((2+2))ta',
      '--dangerously-skip-permissions',
    ]
    const { code, stdout } = await stage().run({ version, args })
    expect(code).toBe(0)
    expect(stdout).toContain('The command printed: alp2ine')
    expect(stdout).toContain('The command printed: be4ta')
    await accounted(stage(), 2)
    expect(resultsIn(stage().fake.seen[1]?.body)).toHaveLength(2)
  })

  test('one tool after another reads what it cached', async () => {
    const args = ['-p', '!bash echo one\n!bash echo two\n!bash echo three', '--dangerously-skip-permissions']
    const { code, stdout } = await stage().run({ version, args })
    expect(code).toBe(0)
    expect(stdout).toContain('The command printed: three')
    const rows = await accounted(stage(), 4)
    expect(rows.slice(1).every(({ usage }) => usage.cache_read > 1_000)).toBe(true)
  })

  test('a tool that is not allowed is refused by the client, and the model hears of it', async () => {
    const { stdout } = await stage().run({ version, args: ['-p', '!bash touch never'] })
    expect(stdout).toContain('Bash failed:')
    await accounted(stage(), 2)
  })
})
