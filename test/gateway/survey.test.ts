import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { credentialTrouble } from '../../src/aws.ts'
import { healthOf } from '../../src/gateway/health.ts'
import { configured } from '../../src/gateway/routing/upstreams.ts'
import { surveyUpstreams } from '../../src/gateway/survey.ts'
import type { Findings } from '../../src/protocol/findings.ts'
import { gatewayOn, type TestGateway } from '../api/gateway.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { model } from '../fakes/models.ts'
import type { Changes } from '../runtime.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'

const MINUTE = 60_000
const APPLICATION = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'

let bedrock: FakeBedrock
let clock = 0
beforeAll(async () => {
  bedrock = await startFakeBedrock({
    apiKey: 'a-key-for-bedrock',
    profiles: { opus: 'anthropic.claude-opus-5-5', haiku: 'anthropic.claude-haiku-5-5' },
    reach: { opus: ['us-east-1', 'us-west-2'] },
    now: () => clock,
  })
})
afterAll(() => bedrock.close())
beforeEach(() => {
  bedrock.reset()
  clock = Date.parse('2026-11-20T12:00:00Z')
})

async function gateway(env: Record<string, string> = {}, changes: Changes = {}): Promise<TestGateway> {
  return gatewayOn(bedrock, {
    now: () => clock,
    env: { AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url, EGRESS_ALLOW_LOOPBACK: 'true', ...env },
    ...changes,
  })
}

async function surveyed({ runtime }: TestGateway, id = 'default'): Promise<Findings> {
  await surveyUpstreams(runtime)
  const found = runtime.surveys.find(({ upstreamId }) => upstreamId === id)
  if (!found) throw new Error('nobody surveyed it')
  return found.findings
}

const checkOf = ({ checks }: Findings, action: string) => checks.find((each) => each.action === action)
const idsOf = (findings: Findings) => findings.offers?.map(({ id }) => id)
const countOf = (operation: string) => bedrock.control.asked.filter((each) => each === operation).length

describe('the list of inference profiles', () => {
  test('is read to its last page, however many there are', async () => {
    bedrock.control.pageSize = 7
    bedrock.control.more = Array.from({ length: 300 }, (_, index) => ({ id: `us.other.model-${index}` }))
    const findings = await surveyed(await gateway())
    expect(idsOf(findings)).toContain('us.anthropic.claude-opus-5-5')
    expect(idsOf(findings)).toContain('global.anthropic.claude-haiku-4-5-20251001-v1:0')
    expect(idsOf(findings)?.every((id) => id.includes('.anthropic.'))).toBe(true)
    expect(countOf('ListInferenceProfiles')).toBeGreaterThan(300 / 7)
    expect(checkOf(findings, 'bedrock:ListInferenceProfiles')?.verdict).toBe('passed')
  })

  test('has no place for profiles that are not active', async () => {
    bedrock.control.more = [
      { id: 'us.anthropic.claude-opus-9', status: 'ACTIVE' },
      { id: 'us.anthropic.claude-opus-3', status: 'LEGACY' },
    ]
    const ids = idsOf(await surveyed(await gateway()))
    expect(ids).toContain('us.anthropic.claude-opus-9')
    expect(ids).not.toContain('us.anthropic.claude-opus-3')
  })

  test.each([
    ['that fails half-way', 'fails', /InternalServerException/],
    ['that goes in a circle', 'circles', /go in a circle/],
  ] as const)('%s is none: what was known before stays', async (_, trouble, words) => {
    const one = await gateway()
    const before = await surveyed(one)
    bedrock.control.pageSize = 5
    bedrock.control.trouble = (operation, page) =>
      operation === 'ListInferenceProfiles SYSTEM_DEFINED' && page >= 2 ? trouble : undefined
    bedrock.control.launched = [model('anthropic.claude-opus-6', 5, 'us')]
    clock += 10 * MINUTE
    const after = await surveyed(one)
    expect(after.offers).toEqual(before.offers)
    expect(checkOf(after, 'bedrock:ListInferenceProfiles')).toMatchObject({
      verdict: 'failed',
      says: expect.stringMatching(words) as string,
    })
    expect(healthOf({ findings: after })).toEqual({ healthy: true })
  })

  test('that may not be read leaves what is shipped, and says which permission is missing', async () => {
    bedrock.control.denied.add('bedrock:ListInferenceProfiles')
    const one = await gateway()
    const findings = await surveyed(one)
    expect(findings.offers).toBeUndefined()
    expect(checkOf(findings, 'bedrock:ListInferenceProfiles')).toMatchObject({
      verdict: 'refused',
      error: 'AccessDeniedException',
      says: expect.stringContaining('Allow bedrock:ListInferenceProfiles') as string,
    })
    expect(healthOf({ findings })).toEqual({ healthy: true })
    const [found] = await configured(one.runtime)
    expect(found && healthOf(found).healthy).toBe(true)
  })

  test('says where each of them may run', async () => {
    const { offers } = await surveyed(await gateway())
    const regionsOf = (id: string) => offers?.find((offer) => offer.id === id)?.regions
    expect(regionsOf('us.anthropic.claude-opus-5')).toEqual(['us-east-1', 'us-east-2'])
    expect(regionsOf('global.anthropic.claude-opus-5')).toEqual([])
  })
})

describe('access to models', () => {
  test('is asked of each, and those that may not be called say why', async () => {
    bedrock.control.noAccess.set('anthropic.claude-opus-5-5', 'NOT_AUTHORIZED')
    const { offers } = await surveyed(await gateway())
    const refusedOf = (id: string) => offers?.find((offer) => offer.id === id)?.refused
    expect(refusedOf('us.anthropic.claude-opus-5-5')).toMatch(/not authorised/)
    expect(refusedOf('global.anthropic.claude-opus-5-5')).toMatch(/not authorised/)
    expect(refusedOf('us.anthropic.claude-opus-5')).toBeUndefined()
  })

  test('is not wanting where only the subscription is: AWS makes that with the first call', async () => {
    bedrock.control.noAccess.set('anthropic.claude-fable-5', 'NOT_SUBSCRIBED')
    const { offers } = await surveyed(await gateway())
    const offer = offers?.find(({ id }) => id === 'us.anthropic.claude-fable-5')
    expect(offer).toBeDefined()
    expect(offer?.refused).toBeUndefined()
  })

  test('that was granted is not asked about again for an hour, that was refused every time', async () => {
    bedrock.control.noAccess.set('anthropic.claude-opus-5-5', 'NOT_AUTHORIZED')
    const one = await gateway()
    await surveyed(one)
    const models = countOf('GetFoundationModelAvailability')
    expect(models).toBeGreaterThan(10)
    clock += 10 * MINUTE
    bedrock.control.noAccess.clear()
    const { offers } = await surveyed(one)
    expect(countOf('GetFoundationModelAvailability')).toBe(models + 1)
    expect(offers?.every(({ refused }) => refused === undefined)).toBe(true)
    clock += 60 * MINUTE
    await surveyed(one)
    expect(countOf('GetFoundationModelAvailability')).toBe(2 * models + 1)
  })

  test('that may not be asked about takes a question or a few, and nothing from the models', async () => {
    bedrock.control.denied.add('bedrock:GetFoundationModelAvailability')
    const findings = await surveyed(await gateway())
    expect(countOf('GetFoundationModelAvailability')).toBeLessThanOrEqual(4)
    expect(findings.offers?.some(({ refused }) => refused !== undefined)).toBe(false)
    expect(checkOf(findings, 'bedrock:GetFoundationModelAvailability')?.verdict).toBe('refused')
  })
})

describe('quotas', () => {
  test('are read to the last page, those of tokens a minute for each model, and for hours', async () => {
    bedrock.control.pageSize = 2
    bedrock.control.quotas = new Map([
      ['Cross-region model inference tokens per minute for Anthropic Claude Opus 5.5', 2_000_000],
      ['Cross-Region InvokeModel tokens per minute for Anthropic Claude Sonnet 4.5 V1', 1_000_000],
      ['Global cross-region model inference tokens per minute for Anthropic Claude Opus 5.5', 3_000_000],
      ['On-demand model inference tokens per minute for Anthropic Claude Opus 4.6 V1', 400_000],
      [
        'Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1 (1M Context Length)',
        5,
      ],
      ['Cross-region model inference requests per minute for Anthropic Claude Opus 5.5', 1_000],
      ['Cross-region model inference tokens per minute for Amazon Nova Pro', 7],
      ['Model invocation max tokens per day for Anthropic Claude Opus 5.5', 9],
    ])
    const one = await gateway()
    const { quotas } = await surveyed(one)
    expect(quotas?.map(({ model: name, reach, tokensPerMinute }) => [name, reach, tokensPerMinute])).toEqual([
      ['claude-opus-5-5', 'geography', 2_000_000],
      ['claude-sonnet-4-5', 'geography', 1_000_000],
      ['claude-opus-5-5', 'global', 3_000_000],
      ['claude-opus-4-6', 'region', 400_000],
    ])
    const pages = countOf('ListServiceQuotas')
    expect(pages).toBe(4)
    clock += 10 * MINUTE
    expect((await surveyed(one)).quotas).toEqual(quotas)
    expect(countOf('ListServiceQuotas')).toBe(pages)
  })

  test('that may not be read are named, and take nothing from the rest', async () => {
    bedrock.control.denied.add('servicequotas:ListServiceQuotas')
    const findings = await surveyed(await gateway())
    expect(findings.quotas).toBeUndefined()
    expect(checkOf(findings, 'servicequotas:ListServiceQuotas')).toMatchObject({
      verdict: 'refused',
      error: 'AccessDeniedException',
    })
    expect(findings.offers).not.toEqual([])
  })

  test('are not asked for with an API key, which opens nothing but Bedrock', async () => {
    const one = await gateway(
      {},
      { credentials: { get: async () => ({ bearer: 'a-key-for-bedrock' }), reject() {} } },
    )
    const findings = await surveyed(one)
    expect(countOf('ListServiceQuotas')).toBe(0)
    expect(findings.offers?.length).toBeGreaterThan(10)
  })
})

describe('application inference profiles', () => {
  test('of the account are known by where they lead', async () => {
    const { applications } = await surveyed(await gateway())
    expect(applications).toEqual([
      { id: `${APPLICATION}opus`, baseId: 'anthropic.claude-opus-5-5', regions: ['us-east-1', 'us-west-2'] },
      { id: `${APPLICATION}haiku`, baseId: 'anthropic.claude-haiku-5-5', regions: ['us-east-1'] },
    ])
  })

  test('that models are to go through are checked one by one, also where none may be listed', async () => {
    bedrock.control.denied.add('bedrock:ListInferenceProfiles')
    const one = await gateway({
      BEDROCK_APPLICATION_PROFILES: `claude-opus-5-5=${APPLICATION}opus,claude-sonnet-5-5=${APPLICATION}haiku,claude-opus-5=${APPLICATION}gone`,
    })
    const findings = await surveyed(one)
    expect(countOf('GetInferenceProfile')).toBe(3)
    const wrong = findings.checks.filter(({ action }) => action === 'profiles').map(({ says }) => says)
    expect(wrong).toEqual([
      expect.stringMatching(/set for claude-sonnet-5-5 cannot be used, as it leads to claude-haiku-5-5/),
      expect.stringMatching(/set for claude-opus-5 cannot be used, as there is no such/),
    ])
  })
})

describe('whether an upstream is healthy', () => {
  test.each([
    ['are not known to AWS', () => (bedrock.credentials.secretAccessKey = 'another')],
    ['have expired', () => bedrock.expired.add(bedrock.credentials.accessKeyId)],
  ])('it is not where its keys %s, and is again when they are mended', async (_, spoil) => {
    const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: bedrock.credentials.secretAccessKey }
    const one = await gateway({}, { credentials: { get: async () => keys, reject() {} } })
    spoil()
    try {
      const health = healthOf({ findings: await surveyed(one) })
      expect(health).toMatchObject({
        healthy: false,
        reason: expect.stringMatching(/credentials/i) as string,
      })
    } finally {
      bedrock.expired.clear()
      bedrock.credentials.secretAccessKey = keys.secretAccessKey
    }
    clock += MINUTE
    expect(healthOf({ findings: await surveyed(one) })).toEqual({ healthy: true })
  })

  test('it is where its credentials could not be had just now, and what was known of it stays', async () => {
    const one = await gateway()
    const before = await surveyed(one)
    one.runtime.credentials.bedrock.get = () => Promise.reject(new Error('the disk is away'))
    clock += 10 * MINUTE
    const after = await surveyed(one)
    expect(after.offers).toEqual(before.offers)
    expect(checkOf(after, 'credentials')?.verdict).toBe('failed') // and not refused: it may be over in a moment
    expect(healthOf({ findings: after })).toEqual({ healthy: true })
  })

  test('it is not where there are no credentials, in the words of whoever looked for them', async () => {
    const none = { get: () => Promise.reject(credentialTrouble('Set AWS_ACCESS_KEY_ID.')), reject() {} }
    const one = await gateway({}, { credentials: none })
    const health = healthOf({ findings: await surveyed(one) })
    expect(health).toEqual({ healthy: false, reason: 'Set AWS_ACCESS_KEY_ID.' })
  })

  test('it is where nobody has asked', () => {
    expect(healthOf({ findings: undefined })).toEqual({ healthy: true })
  })
})

describe('a survey', () => {
  test('is due every ten minutes, and of one that is broken every minute', async () => {
    const one = await gateway()
    await surveyed(one)
    const asked = countOf('ListInferenceProfiles')
    clock += 9 * MINUTE
    await surveyed(one)
    expect(countOf('ListInferenceProfiles')).toBe(asked)
    clock += MINUTE
    await surveyed(one)
    expect(countOf('ListInferenceProfiles')).toBe(2 * asked)
  })

  test('of an upstream that was changed meanwhile is thrown away', async () => {
    const one = await gateway()
    const row = await addUpstream(one.runtime, atFake(bedrock, 'upstream_1'))
    const { fetch: send } = one.runtime
    const runtime = {
      ...one.runtime,
      fetch: ((url, init) => {
        const found = one.runtime.upstreams.indexOf(row)
        one.runtime.upstreams[found] = { ...row, region: 'eu-west-1' }
        return send(url, init)
      }) as typeof send,
    }
    await surveyUpstreams(runtime)
    expect(one.runtime.surveys.map(({ upstreamId }) => upstreamId)).toEqual(['default'])
  })

  test('is of each upstream by its own credentials', async () => {
    const one = await gateway()
    await addUpstream(one.runtime, atFake(bedrock, 'upstream_1'))
    await addUpstream(one.runtime, {
      ...atFake(bedrock, 'upstream_2'),
      secrets: { secretAccessKey: 'not-that-one' },
    })
    await surveyUpstreams(one.runtime)
    const healths = (await configured(one.runtime)).map((each) => [each.id, healthOf(each).healthy])
    expect(healths).toEqual([
      ['default', true],
      ['upstream_1', true],
      ['upstream_2', false],
    ])
  })

  test('says once what it finds wrong', async () => {
    bedrock.control.denied.add('servicequotas:ListServiceQuotas')
    const one = await gateway()
    await surveyed(one)
    clock += 10 * MINUTE
    await surveyed(one)
    const told = one.runtime.lines.filter(({ message }) => message.startsWith('a survey of an upstream'))
    expect(told).toEqual([
      expect.objectContaining({
        fields: expect.objectContaining({ check: 'servicequotas:ListServiceQuotas' }) as object,
      }),
    ])
  })
})

test('credentials that Bedrock takes are good, whatever Service Quotas says of them', async () => {
  const one = await gateway()
  const send = one.runtime.fetch
  const elsewhere: typeof send = async (url, init) =>
    init.headers?.['x-amz-target'] === undefined
      ? send(url, init)
      : Response.json({ __type: 'UnrecognizedClientException', message: 'Not here.' }, { status: 400 })
  const findings = await surveyed({ ...one, runtime: { ...one.runtime, fetch: elsewhere } })
  expect(healthOf({ findings })).toEqual({ healthy: true })
  expect(checkOf(findings, 'credentials')?.verdict).toBe('passed')
  expect(checkOf(findings, 'servicequotas:ListServiceQuotas')?.verdict).toBe('failed')
})
