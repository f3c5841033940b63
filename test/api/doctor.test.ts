/** The doctor of an upstream: each action denied in turn makes exactly its own check red, and the sentence names it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { visited } from '../../src/host/run.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { type FakeSts, startFakeSts } from '../fakes/sts.ts'
import { ADMIN_TOKEN, type Changes, type TestRuntime } from '../runtime.ts'
import { addUpstream, atFake } from '../upstreamrows.ts'
import { gatewayOn } from './gateway.ts'

const ROLE = 'arn:aws:iam::123456789012:role/outcrop'
const WHO = 'arn:aws:iam::123456789012:user/gateway'
const KEYS = { accessKeyId: 'AKIDEXAMPLEGATEWAY', secretAccessKey: 'not-a-secret-either' }

let sts: FakeSts
let bedrock: FakeBedrock
const role = { arn: ROLE, trusts: [WHO], externalId: 'between-us', tagged: true }

beforeAll(async () => {
  sts = await startFakeSts({ identities: { [WHO]: KEYS }, roles: [role] })
  bedrock = await startFakeBedrock({ apiKey: 'a-key-for-bedrock', issued: (id) => sts.issued(id) })
})
afterAll(async () => {
  await bedrock.close()
  await sts.close()
})
beforeEach(() => {
  bedrock.reset()
  Object.assign(role, { trusts: [WHO], externalId: 'between-us', tagged: true })
})

async function runtimeWith(changes: Changes = {}): Promise<TestRuntime> {
  const { runtime } = await gatewayOn(bedrock, {
    env: { AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url, EGRESS_ALLOW_LOOPBACK: 'true' },
    ...changes,
  })
  return runtime
}

interface Report {
  healthy: boolean
  checks: { action: string; verdict: string; error: string | null; says: string }[]
}

async function examined(runtime: TestRuntime, id = 'default'): Promise<Report> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  // As a process hands its runtime to a request: by inheritance.
  const response = await app.request(
    `/admin/upstreams/${id}/doctor`,
    { headers },
    visited(runtime, undefined),
  )
  expect(response.status).toBe(200)
  return (await response.json()) as Report
}

const redIn = ({ checks }: Report) =>
  checks.filter(({ verdict }) => verdict === 'refused' || verdict === 'failed').map(({ action }) => action)
const checkIn = ({ checks }: Report, action: string) => checks.find((each) => each.action === action)

/** A row whose credentials are a role's, its sessions tagged. */
async function assuming(runtime: TestRuntime, settings: Record<string, string> = {}) {
  const wish = atFake(bedrock, 'upstream_role')
  await addUpstream(runtime, {
    ...wish,
    settings: {
      endpoint: bedrock.url,
      controlEndpoint: bedrock.url,
      stsEndpoint: sts.url,
      credentials: 'role',
      roleArn: ROLE,
      externalId: 'between-us',
      sessionTags: 'team, cost-centre=4711',
      accessKeyId: KEYS.accessKeyId,
      ...settings,
    },
    secrets: { secretAccessKey: KEYS.secretAccessKey },
  })
  return examined(runtime, 'upstream_role')
}

const ACTIONS = [
  'bedrock:InvokeModelWithResponseStream',
  'bedrock:GetUseCaseForModelAccess',
  'bedrock:ListInferenceProfiles',
  'bedrock:GetInferenceProfile',
  'bedrock:GetFoundationModelAvailability',
  'bedrock:CountTokens',
  'bedrock:GetAccountDataRetention',
  'servicequotas:ListServiceQuotas',
]

describe('an upstream on AWS', () => {
  test('that is allowed everything is well, and no model was called', async () => {
    const report = await examined(await runtimeWith())
    expect(redIn(report)).toEqual([])
    expect(report.healthy).toBe(true)
    expect(report.checks.map(({ verdict }) => verdict)).toEqual(report.checks.map(() => 'passed'))
    expect(report.checks.map(({ action }) => action)).toEqual([
      'credentials',
      'bedrock:InvokeModelWithResponseStream',
      'use case form',
      'bedrock:GetUseCaseForModelAccess',
      'model access',
      'bedrock:ListInferenceProfiles',
      'bedrock:GetInferenceProfile',
      'bedrock:GetFoundationModelAvailability',
      'bedrock:CountTokens',
      'data retention',
      'bedrock:GetAccountDataRetention',
      'servicequotas:ListServiceQuotas',
    ])
    expect(bedrock.seen.filter(({ outcome }) => outcome === 'accepted')).toEqual([])
  })

  test.each(ACTIONS)('that is not allowed %s has exactly that check red', async (action) => {
    bedrock.control.denied.add(action)
    const report = await examined(await runtimeWith())
    expect(redIn(report)).toEqual([action])
    expect(report.healthy).toBe(false)
    expect(checkIn(report, action)).toMatchObject({
      verdict: 'refused',
      error: 'AccessDeniedException',
      says: expect.stringContaining(`Allow ${action} to the credentials of this upstream`) as string,
    })
  })

  test.each([
    [
      'an explicit deny in a service control policy',
      /A service control policy of the AWS organisation denies/,
    ],
    ['no permissions boundary allows the bedrock:CountTokens action', /permissions boundary .* denies/],
    ['an explicit deny in an identity-based policy', /A policy denies .* in so many words/],
    ['an explicit deny in a VPC endpoint policy', /The policy of the VPC endpoint denies/],
  ])('whose refusal comes of %s is told where to look', async (because, words) => {
    bedrock.control.denied.add('bedrock:CountTokens')
    bedrock.control.because = because
    const report = await examined(await runtimeWith())
    expect(checkIn(report, 'bedrock:CountTokens')?.says).toMatch(words)
  })

  test('whose keys are wrong has that one check red, and the others wait for it', async () => {
    const credentials = { get: async () => ({ ...bedrock.credentials, secretAccessKey: 'x' }), reject() {} }
    const report = await examined(await runtimeWith({ credentials }))
    expect(redIn(report)).toEqual(['credentials'])
    expect(checkIn(report, 'credentials')?.error).toBe('InvalidSignatureException')
    expect(checkIn(report, 'bedrock:ListInferenceProfiles')?.verdict).toBe('unknown')
  })

  test('whose account lacks more than permissions is told what', async () => {
    bedrock.control.form = false
    bedrock.control.retention = 'default'
    bedrock.control.noAccess.set('anthropic.claude-opus-5-5', 'NOT_AUTHORIZED')
    const report = await examined(await runtimeWith())
    expect(redIn(report)).toEqual(['use case form', 'model access', 'data retention'])
    expect(checkIn(report, 'use case form')?.says).toMatch(/Submit Anthropic's use case form/)
    expect(checkIn(report, 'model access')?.says).toMatch(/may not call them: claude-opus-5-5\./)
    expect(checkIn(report, 'data retention')?.says).toMatch(/is 'default', and .* need 'aws_review'/)
  })

  test('whose application inference profile is of another model is told so', async () => {
    const runtime = await runtimeWith()
    const { settings, ...wish } = atFake(bedrock, 'upstream_1')
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/gone1'
    await addUpstream(runtime, { ...wish, settings: { ...settings, profiles: `claude-opus-5=${arn}` } })
    const report = await examined(runtime, 'upstream_1')
    expect(redIn(report)).toEqual(['profiles'])
    expect(checkIn(report, 'profiles')?.says).toMatch(/set for claude-opus-5 cannot be used/)
  })

  test('that does not answer is told apart from one that refuses', async () => {
    const runtime = await runtimeWith({ fetch: () => Promise.reject(new Error('away')) })
    const report = await examined(runtime)
    expect(checkIn(report, 'bedrock:ListInferenceProfiles')).toMatchObject({ verdict: 'failed', error: null })
  })
})

describe('an API key for Bedrock', () => {
  const bearer = { get: async () => ({ bearer: 'a-key-for-bedrock' }), reject() {} }

  test('opens all but Service Quotas', async () => {
    const report = await examined(await runtimeWith({ credentials: bearer }))
    expect(redIn(report)).toEqual([])
    expect(checkIn(report, 'bedrock:CallWithBearerToken')?.verdict).toBe('passed')
    expect(checkIn(report, 'servicequotas:ListServiceQuotas')?.verdict).toBe('unknown')
  })

  test('that may not be used as one has exactly that check red', async () => {
    bedrock.control.denied.add('bedrock:CallWithBearerToken')
    const report = await examined(await runtimeWith({ credentials: bearer }))
    expect(redIn(report)).toEqual(['bedrock:CallWithBearerToken'])
    expect(checkIn(report, 'bedrock:CallWithBearerToken')?.says).toMatch(/Allow bedrock:CallWithBearerToken/)
  })

  test('that AWS does not know is wrong credentials', async () => {
    const credentials = { get: async () => ({ bearer: 'another' }), reject() {} }
    expect(redIn(await examined(await runtimeWith({ credentials })))).toEqual(['credentials'])
  })
})

describe('a role', () => {
  test('is taken on, tagged, and then does all the rest', async () => {
    const report = await assuming(await runtimeWith())
    expect(redIn(report)).toEqual([])
    expect(report.checks.slice(0, 3)).toMatchObject([
      { action: 'credentials', verdict: 'passed' },
      { action: 'sts:AssumeRole', verdict: 'passed' },
      { action: 'sts:TagSession', verdict: 'passed' },
    ])
  })

  test.each<[string, () => unknown, Record<string, string>, RegExp]>([
    ['sts:AssumeRole', () => Object.assign(role, { trusts: [] }), {}, /must allow sts:AssumeRole/],
    ['sts:AssumeRole', () => {}, { externalId: 'between-others' }, /the same external id/],
    ['sts:TagSession', () => Object.assign(role, { tagged: false }), {}, /Allow sts:TagSession/],
    ['credentials', () => {}, { accessKeyId: 'AKIDEXAMPLENOBODY' }, /are not known to AWS/],
  ])('without %s has exactly that check red', async (action, spoil, settings, words) => {
    spoil()
    const report = await assuming(await runtimeWith(), settings)
    expect(redIn(report)).toEqual([action])
    expect(checkIn(report, action)?.says).toMatch(words)
    expect(report.checks).toHaveLength(3)
  })

  test('that has been taken away is seen, though a session of before still works', async () => {
    const runtime = await runtimeWith()
    expect(redIn(await assuming(runtime))).toEqual([])
    Object.assign(role, { trusts: [] })
    expect(redIn(await examined(runtime, 'upstream_role'))).toEqual(['sts:AssumeRole'])
  })
})

describe('the operation', () => {
  test('knows no upstream that is not there', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const response = await app.request(
      '/admin/upstreams/upstream_none/doctor',
      { headers },
      await runtimeWith(),
    )
    expect(response.status).toBe(404)
  })

  test('says of an upstream that is not set up what it lacks', async () => {
    const runtime = await runtimeWith({ env: { AWS_REGION: '' } })
    const report = await examined(runtime)
    expect(report.checks).toMatchObject([
      { action: 'settings', verdict: 'refused', says: expect.stringContaining('AWS_REGION') as string },
    ])
  })
})
