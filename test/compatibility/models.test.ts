/**
 * Every feature, on every kind of model, over InvokeModel, against the strict fake: none is refused by Bedrock, and
 * what comes of it is written to docs/compatibility.md (`npm run docs:compatibility`), which this holds to be true.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gatewayOn, type TestGateway } from '../api/gateway.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { FEATURES, type Feature } from './features.ts'
import { type Cell, expectPage, isSent, type Results, table } from './matrix.ts'

const MODELS = {
  'Sonnet 4': 'claude-sonnet-4',
  'Haiku 4.5': 'claude-haiku-4-5',
  'Opus 4.5': 'claude-opus-4-5',
  'Sonnet 4.6': 'claude-sonnet-4-6',
  'Opus 4.7': 'claude-opus-4-7',
  'Opus 4.8': 'claude-opus-4-8',
  'Sonnet 5': 'claude-sonnet-5',
  'Opus 5.5': 'claude-opus-5-5',
  'Haiku 5.5': 'claude-haiku-5-5',
  'Fable 5.2': 'claude-fable-5-2',
}

/** Not even these can be done, and the client is told so in words that it acts on. */
const REFUSED = /^capability_rejected: /

const PLAIN = { max_tokens: 4_000, messages: [{ role: 'user', content: 'hi' }] }

let bedrock: FakeBedrock
let gateway: TestGateway
beforeAll(async () => {
  bedrock = await startFakeBedrock()
  gateway = await gatewayOn(bedrock, { env: { AWS_REGION: 'us-east-1' } })
})
afterAll(() => bedrock.close())

const results: Results = new Map(FEATURES.map(({ name }) => [name, new Map()]))

test.each(FEATURES)('$name', async (feature) => {
  for (const [title, model] of Object.entries(MODELS)) {
    const cell = await tried(feature, model)
    results.get(feature.name)?.set(title, cell)
    expect(cell, `${feature.name} on ${title}`).not.toBe('failed')
  }
})

async function tried({ body, betas = [], traces = [] }: Feature, model: string): Promise<Cell> {
  bedrock.seen.length = 0
  const request = { model, ...PLAIN, ...body }
  const response = await gateway.post(request, { headers: { 'anthropic-beta': betas.join(',') } })
  const answer = (await response.json()) as { error?: { message: string } }
  if (REFUSED.test(answer.error?.message ?? '')) return 'refused'
  const accepted = bedrock.seen.length === 1 && bedrock.seen[0]?.outcome === 'accepted'
  if (response.status !== 200 || !accepted) return 'failed'
  const removed = response.headers.get('x-outcrop-removed')?.split(', ') ?? []
  if (traces.some((trace) => removed.includes(trace))) return 'left out'
  return isSent(body ?? {}, bedrock.seen[0]?.body) ? 'as sent' : 'adapted'
}

test('docs/compatibility.md says what was found', () => {
  expectPage('models', table('By model, over InvokeModel', Object.keys(MODELS), results))
})
