/** A plain answer, from every version of Claude Code, for every model it names. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { VERSIONS, type Version } from './install.ts'
import { openStage, refused, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => stage.clear())
afterAll(() => stage.close())

const DEFAULTS: Record<Version, RegExp> = {
  '2.1.328': /claude-opus-5-5$/,
  '2.1.257': /claude-opus-5$/,
  '2.1.126': /claude-sonnet-4-6$/,
}

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test('a plain answer takes one request, upstream and in the ledger', async () => {
    const { code, stdout, stderr } = await stage.run({ version, args: ['-p', 'Greet the marmots'] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('fake Bedrock')
    expect(stdout).toContain('Greet the marmots')
    expect(refused(stage.fake)).toEqual([])
    expect(stage.fake.seen.map(({ operation }) => operation)).toEqual(['stream'])
    expect(stage.fake.seen[0]?.modelId).toMatch(DEFAULTS[version])
    const [row] = await stage.ledger(1)
    expect(row).toMatchObject({ status: 'succeeded', stream: true, attempts: 1, usage_source: 'final' })
    expect(row?.session_id).toMatch(/^[0-9a-f-]{36}$/)
  })
})
