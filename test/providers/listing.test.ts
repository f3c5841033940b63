/** What other upstreams than Bedrock offer, and whether they let the gateway in. */
import { describe, expect, test } from 'vitest'
import { credentialTrouble } from '../../src/aws.ts'
import type { Check, Findings } from '../../src/protocol/findings.ts'
import { webHashes } from '../../src/protocol/hashes.ts'
import type { Send, Sending } from '../../src/protocol/send.ts'
import { providerNamed } from '../../src/providers/index.ts'
import type { Upstream } from '../../src/providers/provider.ts'
import { testRuntime } from '../runtime.ts'

type Answering = (url: string, init: Sending) => Response

function asked(place: Partial<Upstream>, answering: Answering) {
  const sent: { url: string; init: Sending }[] = []
  const send: Send = async (url, init) => {
    sent.push({ url, init })
    return answering(url, init)
  }
  const runtime = testRuntime()
  const upstream: Upstream = {
    id: 'other',
    provider: 'anthropic',
    wire: 'anthropic',
    region: 'global',
    endpoint: 'https://upstream.test',
    credentials: { get: async () => ({ bearer: 'not-a-secret' }), reject() {} },
    ...place,
  }
  const lent = {
    fetch: send,
    now: runtime.now,
    limits: runtime.config.limits,
    hashes: webHashes,
    sent() {},
    secret: '',
    quotasEndpoint: undefined,
    entrance: { tags: false },
  }
  const provider = providerNamed(upstream.provider)
  return {
    sent,
    survey: async (): Promise<Findings> =>
      (await provider.survey?.(upstream, lent, undefined)) ?? { checks: [] },
    examine: async (): Promise<Check[]> => (await provider.examine?.(upstream, lent)) ?? [],
  }
}

const page = (ids: string[], more = false) =>
  Response.json({
    data: ids.map((id) => ({ type: 'model', id })),
    has_more: more,
    last_id: ids.at(-1) ?? null,
  })
const no = (status: number, type: string, message: string) =>
  Response.json({ type: 'error', error: { type, message } }, { status })
const verdicts = (checks: readonly Check[]) => checks.map(({ action, verdict }) => `${action}: ${verdict}`)

const PLATFORM: Partial<Upstream> = {
  provider: 'bedrock',
  wire: 'claude-platform',
  region: 'us-east-1',
  headers: { 'anthropic-workspace-id': 'wrkspc_1' },
}

describe.each([
  ['Anthropic', {}],
  ['Claude Platform on AWS', PLATFORM],
] as const)('%s', (_, place) => {
  test('offers what it lists, on every page', async () => {
    const { survey, sent } = asked(place, (url) => {
      const after = new URL(url).searchParams.get('after_id')
      if (after === null) return page(['claude-opus-6', 'not one of them'], true)
      return after === 'not one of them'
        ? page(['claude-haiku-4-5-20251001'])
        : no(400, 'invalid_request_error', after)
    })
    const findings = await survey()
    expect(findings.offers).toEqual([{ id: 'claude-opus-6' }, { id: 'claude-haiku-4-5-20251001' }])
    expect(findings.checks.every(({ verdict }) => verdict === 'passed')).toBe(true)
    expect(sent).toHaveLength(2)
  })

  test('whose pages go in a circle, or that answers anything else, offers what was known', async () => {
    for (const answer of [
      () => page(['claude-opus-6'], true),
      () => new Response('<html>'),
      () => Response.json({}),
    ]) {
      const { offers, checks } = await asked(place, answer).survey()
      expect(offers).toBeUndefined()
      expect(checks.some(({ verdict }) => verdict === 'failed')).toBe(true)
    }
  })
})

test('Anthropic is shown the key, and nobody else is', async () => {
  const { survey, sent } = asked({}, () => page([]))
  await survey()
  expect(sent[0]?.url).toMatch(/^https:\/\/upstream\.test\/v1\/models\?/)
  expect(sent[0]?.init.headers).toMatchObject({ 'x-api-key': 'not-a-secret' })
})

test('Claude Platform is told the workspace, under the signature of its own service', async () => {
  const credentials = { get: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'x' }), reject() {} }
  const { survey, sent } = asked({ ...PLATFORM, credentials }, () => page(['claude-opus-6']))
  await survey()
  expect(sent[0]?.init.headers).toMatchObject({
    'anthropic-workspace-id': 'wrkspc_1',
    authorization: expect.stringContaining('/us-east-1/aws-external-anthropic/aws4_request') as string,
  })
})

describe('the doctor', () => {
  test.each<[Answering, string[]]>([
    [() => page([]), ['credentials: passed', 'GET /v1/models: passed']],
    [
      () => no(401, 'authentication_error', 'invalid x-api-key'),
      ['credentials: refused', 'GET /v1/models: unknown'],
    ],
    [() => no(403, 'permission_error', 'not this key'), ['credentials: unknown', 'GET /v1/models: refused']],
    [() => no(529, 'overloaded_error', 'Overloaded'), ['credentials: unknown', 'GET /v1/models: failed']],
  ])('of Anthropic says of %s what to mend', async (answer, found) => {
    expect(verdicts(await asked({}, answer).examine())).toEqual(found)
  })

  const VERTEX: Partial<Upstream> = { provider: 'vertex', wire: 'vertex' }
  const google = (status: number, code: string) =>
    Response.json({ error: { code: status, message: 'as Google says it', status: code } }, { status })

  test.each<[Answering, string]>([
    [() => no(400, 'invalid_request_error', 'messages: Field required'), 'passed'],
    [() => google(403, 'PERMISSION_DENIED'), 'refused'],
    [() => google(404, 'NOT_FOUND'), 'failed'],
    [() => google(503, 'UNAVAILABLE'), 'failed'],
  ])('of Vertex tells from %s whether calls are let in: %s', async (answer, verdict) => {
    const { examine, sent } = asked(VERTEX, answer)
    expect(verdicts(await examine())).toEqual([
      'credentials: passed',
      `aiplatform.endpoints.predict: ${verdict}`,
    ])
    expect(new TextDecoder().decode(sent[0]?.init.body as Uint8Array)).toBe('{}')
  })

  test('of an upstream without credentials asks nobody', async () => {
    const credentials = { get: () => Promise.reject(credentialTrouble('Set them.')), reject() {} }
    const { examine, sent } = asked({ ...VERTEX, credentials }, () => page([]))
    expect(await examine()).toMatchObject([
      { action: 'credentials', verdict: 'refused', says: 'Set them.' },
      { verdict: 'unknown' },
    ])
    expect(sent).toEqual([])
  })

  test.each([
    [
      403,
      'permission_error',
      'User: x is not authorized to perform: aws-external-anthropic:CreateInference',
      'aws-external-anthropic:CreateInference',
    ],
  ])('of Claude Platform names the action that is missing', async (status, type, message, action) => {
    const { examine } = asked(PLATFORM, (url) =>
      url.endsWith('/v1/messages')
        ? no(status, type, message)
        : url.includes('count_tokens')
          ? no(400, 'invalid_request_error', 'x')
          : page([]),
    )
    const checks = await examine()
    expect(checks.filter(({ verdict }) => verdict === 'refused').map((check) => check.action)).toEqual([
      action,
    ])
  })
})
