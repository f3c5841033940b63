/**
 * Is the fake right? Claude Code has a Bedrock mode of its own, which knows what Bedrock accepts: what it sends there,
 * signed by its own signer, must be accepted here. No gateway is involved.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { emptyHome, type Outcome, startClaude } from './claude.ts'
import { VERSIONS, type Version } from './install.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock({ lenient: true })
})
afterEach(() => fake.reset())
afterAll(() => fake.close())

/** The models each version knows; of others it assumes the wrong things, and learns from refusals. */
const MODELS: Record<Version, readonly string[]> = {
  '2.1.328': [
    'fable-5-2',
    'opus-5-5',
    'opus-5',
    'opus-4-8',
    'opus-4-7',
    'opus-4-6-v1',
    'opus-4-1-20250805-v1:0',
    'sonnet-5-5',
    'sonnet-5',
    'sonnet-4-6',
    'haiku-5-5',
    'haiku-4-5-20251001-v1:0',
  ],
  '2.1.257': ['opus-5', 'opus-4-8', 'sonnet-5', 'sonnet-4-6', 'haiku-4-5-20251001-v1:0'],
  '2.1.126': ['opus-4-7', 'sonnet-4-6', 'sonnet-4-5-20250929-v1:0', 'haiku-4-5-20251001-v1:0'],
}

async function run(version: Version, model: string, prompt: string): Promise<Outcome> {
  const home = await emptyHome()
  const env = {
    CLAUDE_CODE_USE_BEDROCK: '1',
    ANTHROPIC_BEDROCK_BASE_URL: fake.url,
    AWS_REGION: fake.region,
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
  }
  const args = ['-p', prompt, '--model', `us.anthropic.claude-${model}`, '--dangerously-skip-permissions']
  const client = await startClaude({ version, home, args, env })
  return client.done.finally(home.remove)
}

/** At its start the client asks which models there are by trying old ones, too. */
function refusals(): string[] {
  return fake.seen
    .filter(
      ({ outcome, body }) => outcome === 'refused' && (body as { max_tokens?: number }).max_tokens !== 1,
    )
    .map(({ refusal }) => refusal?.message ?? '')
}

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test.each(MODELS[version])('a tool round trip on %s', async (model) => {
    const { stdout } = await run(version, model, '!bash echo mar$((20+2))mot')
    expect(refusals()).toEqual([])
    expect(stdout).toContain('The command printed: mar22mot')
    expect(fake.seen.filter(({ operation }) => operation === 'stream')).toHaveLength(2)
  })
})
