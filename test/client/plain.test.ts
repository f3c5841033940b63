/** A plain answer, from every version of Claude Code, for every model it names. */
import { describe, expect, test } from 'vitest'
import { VERSIONS, type Version } from './install.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

/** The model each version asks for, unasked and by alias. */
const MODELS: Record<Version, Record<string, RegExp>> = {
  '2.1.328': {
    default: /claude-opus-5-5$/,
    opus: /claude-opus-5-5$/,
    sonnet: /claude-sonnet-5-5$/,
    haiku: /claude-haiku-5-5$/,
  },
  '2.1.257': {
    default: /claude-opus-5$/,
    opus: /claude-opus-5$/,
    sonnet: /claude-sonnet-5$/,
    haiku: /claude-haiku-4-5-20251001-v1:0$/,
  },
  '2.1.126': {
    default: /claude-sonnet-4-6$/,
    opus: /claude-opus-4-7$/,
    sonnet: /claude-sonnet-4-6$/,
    haiku: /claude-haiku-4-5-20251001-v1:0$/,
  },
}

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each(Object.entries(MODELS[version]))('a plain answer from its %s model', async (alias, modelId) => {
    const model = alias === 'default' ? [] : ['--model', alias]
    const { code, stdout, stderr } = await stage().run({
      version,
      args: ['-p', 'Greet the marmots', ...model],
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('fake Bedrock')
    expect(stdout).toContain('Greet the marmots')
    const [row] = await accounted(stage(), 1)
    expect(stage().fake.seen[0]?.modelId).toMatch(modelId)
    expect(row).toMatchObject({ stream: true, usage_source: 'final' })
    expect(row?.session_id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('what Bedrock counted is what the ledger says', async () => {
    await stage().run({ version, args: ['-p', 'Count the marmots'] })
    const [row] = await accounted(stage(), 1)
    expect(stage().fake.seen[0]?.usage).toMatchObject({
      input_tokens: row?.usage.input,
      cache_read_input_tokens: row?.usage.cache_read,
      cache_creation: { ephemeral_5m_input_tokens: row?.usage.cache_write_5m, ephemeral_1h_input_tokens: 0 },
      output_tokens: row?.usage.output,
    })
    expect(row?.usage.cache_write_5m).toBeGreaterThan(1_000)
  })
})
