/** What real clients send, in its exact shape, through the gateway to the strict fake: accepted at the first try. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { isThing, type Thing, text, thing, things } from '../fakes/json.ts'
import { redact, seal } from '../fakes/seal.ts'
import { say } from '../fakes/steps.ts'
import { neutralBody, neutralHeaders } from '../fixtures/neutral.ts'
import { gatewayOn } from './gateway.ts'

let bedrock: FakeBedrock
beforeAll(async () => {
  bedrock = await startFakeBedrock()
})
afterAll(() => bedrock.close())
beforeEach(() => bedrock.reset())

interface Fixture {
  path: string
  headers: Record<string, string>
  body: Thing
}

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'requests')
const VERSIONS = readdirSync(FOLDER).toSorted()

function fixturesOf(version: string): [string, Fixture][] {
  const files = readdirSync(join(FOLDER, version)).toSorted()
  return files.map((file) => [
    file.replace('.json', ''),
    JSON.parse(readFileSync(join(FOLDER, version, file), 'utf8')) as Fixture,
  ])
}

/** Thinking as this Bedrock would have signed it. */
function signed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(signed)
  if (!isThing(value)) return value
  if (value['type'] === 'redacted_thinking') return { ...value, data: redact('a thought') }
  if (value['type'] === 'thinking') return { ...value, signature: seal(text(value['thinking']), 'a thought') }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, signed(each)]))
}

const rolesOf = (body: unknown) => things(thing(body)['messages']).map(({ role }) => role)

describe.each(VERSIONS)('a request of Claude Code %s', (version) => {
  test.each(fixturesOf(version))('%s', async (_, { path, headers, body }) => {
    bedrock.script(say({ content: [{ type: 'text', text: 'Well.' }] })) // and searches nothing
    const { post, runtime } = await gatewayOn(bedrock, {
      env: { WEB_SEARCH: 'custom', WEB_SEARCH_URL: 'http://127.0.0.1:1' },
    })
    const response = await post({ ...body, messages: signed(body['messages']) }, { path, headers })
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('event: message_stop')
    expect(bedrock.seen.map(({ refusal, outcome }) => refusal?.message ?? outcome)).toEqual(['accepted'])
    expect(rolesOf(bedrock.seen[0]?.body).filter((role) => role === 'assistant')).toHaveLength(
      rolesOf(body).filter((role) => role === 'assistant').length,
    )
    await runtime.settled()
    expect(runtime.rows).toMatchObject([{ status: 'succeeded', attempts: 1, usageSource: 'final' }])
  })
})

test.each(VERSIONS)('nothing that anybody wrote is kept of the requests of %s', (version) => {
  for (const [, { headers, body }] of fixturesOf(version)) {
    expect(neutralBody(body)).toEqual(body)
    expect(neutralHeaders(headers)).toEqual(headers)
  }
})
