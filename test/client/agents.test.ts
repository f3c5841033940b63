/** Subagents: a conversation of their own, told apart in the ledger. */
import { describe, expect, test } from 'vitest'
import { VERSIONS, type Version } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

/** Whether the version names its agents in headers. */
const NAMED: Record<Version, boolean> = { '2.1.328': true, '2.1.257': true, '2.1.126': false }

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test('a subagent uses a tool and reports; the ledger knows whose requests were whose', async () => {
    const args = ['-p', '!agent !bash echo mar$((20+2))mot', '--dangerously-skip-permissions']
    const { code, stdout } = await stage().run({ version, args })
    expect(code).toBe(0)
    expect(stdout).toContain('The agent reported:')
    expect(stdout).toContain('The command printed: mar22mot')
    const rows = await accounted(stage(), 4)
    const [main, first, second, last] = rows.map(({ agent_id }) => agent_id)
    expect([main, last]).toEqual([null, null])
    expect(first).toBe(second)
    expect(first !== null).toBe(NAMED[version])
    expect(new Set(rows.map(({ session_id }) => session_id)).size).toBe(1)
  })
})
