import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newKeyring } from '../../../src/gateway/routing/keyring.ts'
import { fakeGoogle } from '../../fakes/google.ts'
import { startFakeMessages } from '../../fakes/messages.ts'
import { addUpstream } from '../../upstreamrows.ts'
import { BASE, callBy, GATEWAY, ROLE, type Stage, signedWith, startStage } from './stage.ts'

const TOKEN = 'header.claims.signature'
const ANN = { keyId: 'key_ann', userId: 'user_ann', teamId: 'team_red' }
const BOB = { keyId: 'key_bob', userId: null, teamId: null }

let stage: Stage
beforeAll(async () => {
  const roles = [
    { arn: ROLE, trusts: [GATEWAY], externalId: 'an-id', tokens: { [TOKEN]: 'good', 'a.b.c': 'expired' } },
    { arn: `${ROLE}-untagged`, trusts: [GATEWAY], tagged: false },
  ] as const
  stage = await startStage({ roles, apiKey: 'bedrock-api-key-of-the-test' })
})
afterAll(() => stage.close())
beforeEach(() => {
  stage.sts.asked.length = 0
  stage.sts.behave(() => undefined)
})

/** An upstream of this kind at the fakes. */
function at(settings: Record<string, string>, secrets?: Record<string, string>) {
  return { id: 'u', settings: { endpoint: stage.bedrock.url, ...settings }, ...(secrets ? { secrets } : {}) }
}

describe('every way of being let in', () => {
  test("the gateway's own credentials", async () => {
    const { credentials } = stage.bedrock
    const runtime = stage.runtime({ credentials: { get: async () => ({ ...credentials }), reject() {} } })
    await addUpstream(runtime, at({ credentials: 'chain' }))
    await callBy(runtime, 'u')
    expect(signedWith(stage.bedrock)).toBe(credentials.accessKeyId)
  })

  test("the gateway's own credentials, anew where they were refused", async () => {
    const old = { ...stage.bedrock.credentials, accessKeyId: 'AKIDBEFOREROTATION' }
    const refused: unknown[] = []
    const own = {
      get: async () => (refused.length === 0 ? old : { ...stage.bedrock.credentials }),
      reject: (keys: unknown) => void refused.push(keys),
    }
    const runtime = stage.runtime({ credentials: own })
    await addUpstream(runtime, at({ credentials: 'chain' }))
    await callBy(runtime, 'u')
    expect(signedWith(stage.bedrock)).toBe(stage.bedrock.credentials.accessKeyId)
    expect(refused).toEqual([old])
  })

  test('keys of its own', async () => {
    const { accessKeyId, secretAccessKey } = stage.bedrock.credentials
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ credentials: 'keys', accessKeyId }, { secretAccessKey }))
    await callBy(runtime, 'u')
    expect(signedWith(stage.bedrock)).toBe(accessKeyId)
  })

  test('an API key of Bedrock', async () => {
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ credentials: 'api-key' }, { apiKey: 'bedrock-api-key-of-the-test' }))
    await callBy(runtime, 'u')
    expect(stage.bedrock.seen.at(-1)?.headers.authorization).toBe('Bearer bedrock-api-key-of-the-test')
  })

  test('a role, taken on with the credentials of the gateway', async () => {
    const runtime = stage.runtime()
    const role = { roleArn: ROLE, externalId: 'an-id', sessionName: 'from-here', durationSeconds: '1800' }
    await addUpstream(runtime, at({ credentials: 'role', ...role }))
    await callBy(runtime, 'u')
    const session = stage.sts.issued(signedWith(stage.bedrock))
    expect(session).toMatchObject({ role: ROLE, sessionName: 'from-here', tags: {} })
    expect(stage.sts.asked).toMatchObject([{ form: { DurationSeconds: '1800', ExternalId: 'an-id' } }])
  })

  test('a role, taken on with keys of its own', async () => {
    const nobody = { get: () => Promise.reject(new Error('not these')), reject() {} }
    const runtime = stage.runtime({ credentials: nobody })
    const { accessKeyId, secretAccessKey } = BASE
    const role = { credentials: 'role', roleArn: ROLE, externalId: 'an-id', accessKeyId }
    await addUpstream(runtime, at(role, { secretAccessKey }))
    await callBy(runtime, 'u')
    expect(stage.sts.issued(signedWith(stage.bedrock))).toMatchObject({ role: ROLE, sessionName: 'outcrop' })
  })

  test('a role, taken on with a token that is given', async () => {
    const runtime = stage.runtime()
    await addUpstream(
      runtime,
      at({ credentials: 'web-identity', roleArn: ROLE }, { webIdentityToken: TOKEN }),
    )
    await callBy(runtime, 'u')
    expect(stage.sts.issued(signedWith(stage.bedrock))).toMatchObject({ role: ROLE })
    expect(stage.sts.asked).toMatchObject([{ action: 'AssumeRoleWithWebIdentity', refusal: '' }])
  })

  test('a role, taken on with a token in a file, read anew each time', async () => {
    const files = new Map([['/var/run/token', `${TOKEN}\n`]])
    const own = { get: async () => ({ ...BASE }), reject() {} }
    const means = { own: { aws: own, google: own }, shareLoads: true }
    const readFile = async (path: string) => files.get(path) ?? Promise.reject(new Error('ENOENT'))
    const runtime = stage.runtime({ keyring: newKeyring({ ...means, readFile }, Date.now) })
    const settings = { credentials: 'web-identity', roleArn: ROLE, webIdentityTokenFile: '/var/run/token' }
    await addUpstream(runtime, at(settings))
    await callBy(runtime, 'u')
    expect(stage.sts.issued(signedWith(stage.bedrock))).toMatchObject({ role: ROLE })
    await addUpstream(runtime, { ...at({ ...settings, webIdentityTokenFile: '/etc/passwd' }), id: 'v' })
    files.set('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh')
    runtime.cache.forget('upstreams')
    await expect(callBy(runtime, 'v')).rejects.toThrow('holds no web identity token')
    expect(stage.sts.asked).toHaveLength(1)
  })

  test.each([
    ['keys of AWS', { credentials: 'keys', accessKeyId: 'AKIDEXAMPLE' }],
    ['an API key', { credentials: 'api-key' }],
  ])('Claude Platform on AWS, by %s', async (_, settings) => {
    const fake = await startFakeMessages('platform')
    try {
      const runtime = stage.runtime()
      const secrets =
        settings.credentials === 'keys'
          ? { secretAccessKey: fake.keys.credentials.secretAccessKey }
          : { apiKey: fake.keys.secret }
      await addUpstream(runtime, {
        id: 'u',
        kind: 'claude-platform',
        settings: { workspace: 'wrkspc_test', endpoint: fake.url, ...settings },
        secrets,
      })
      await callBy(runtime, 'u')
      expect(fake.seen).toMatchObject([{ outcome: 'accepted' }])
    } finally {
      await fake.close()
    }
  })

  test('Anthropic, by its key', async () => {
    const fake = await startFakeMessages('anthropic')
    try {
      const runtime = stage.runtime()
      const settings = { endpoint: fake.url }
      await addUpstream(runtime, {
        id: 'u',
        kind: 'anthropic',
        region: null,
        settings,
        secrets: { apiKey: fake.keys.secret },
      })
      await callBy(runtime, 'u')
      expect(fake.seen).toMatchObject([{ outcome: 'accepted' }])
    } finally {
      await fake.close()
    }
  })

  test('Vertex, by the key of a service account', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const google = fakeGoogle({ publicKey, now: Date.now })
    const fake = await startFakeMessages('vertex', { secret: 'asserted-1' })
    const account = {
      type: 'service_account',
      private_key_id: 'key-1',
      client_email: 'outcrop@some-project.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }
    try {
      const both: typeof fetch = (url, init) =>
        String(url).startsWith('http:') ? fetch(url, init) : google.fetch(url, init)
      const runtime = stage.runtime({ fetch: both as never })
      await addUpstream(runtime, {
        id: 'u',
        kind: 'vertex',
        region: 'global',
        settings: { project: 'some-project', endpoint: `${fake.url}/v1` },
        secrets: { serviceAccount: JSON.stringify(account) },
      })
      await callBy(runtime, 'u')
      await callBy(runtime, 'u')
      expect(google.asked).toEqual(['https://oauth2.googleapis.com/token'])
      expect(fake.seen.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer asserted-1',
        'Bearer asserted-1',
      ])
    } finally {
      await fake.close()
    }
  })
})

describe('session tags', () => {
  const tagged = { credentials: 'role', roleArn: ROLE, externalId: 'an-id' }

  test('arrive at AWS exactly, and each caller has a session', async () => {
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ ...tagged, sessionTags: 'team, user, key, cost-centre=47 11' }))
    for (const caller of [ANN, BOB, ANN, undefined, BOB]) await callBy(runtime, 'u', caller)
    const tags = stage.sts.asked.map(({ form }) =>
      [1, 2, 3, 4, 5].map((n) => [form[`Tags.member.${n}.Key`], form[`Tags.member.${n}.Value`]].join('=')),
    )
    expect(tags).toEqual([
      ['team=team_red', 'user=user_ann', 'key=key_ann', 'cost-centre=47 11', '='],
      ['team=none', 'user=none', 'key=key_bob', 'cost-centre=47 11', '='],
      ['team=gateway', 'user=gateway', 'key=gateway', 'cost-centre=47 11', '='],
    ])
    expect(stage.sts.issued(signedWith(stage.bedrock))?.tags).toEqual({
      team: 'none',
      user: 'none',
      key: 'key_bob',
      'cost-centre': '47 11',
    })
  })

  test('callers of one team share a session where only the team is told', async () => {
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ ...tagged, sessionTags: 'team' }))
    for (const key of ['1', '2', '3']) await callBy(runtime, 'u', { ...ANN, keyId: key, userId: key })
    expect(stage.sts.asked).toHaveLength(1)
  })

  test('a value that AWS does not take is refused, and not made into another', async () => {
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ ...tagged, sessionTags: 'team' }))
    const called = callBy(runtime, 'u', { ...ANN, teamId: 'team#red' })
    await expect(called).rejects.toThrow('AWS takes no session tag of that value for team')
    expect(stage.sts.asked).toEqual([])
  })

  test('where sessions may not be tagged, the log says what to allow', async () => {
    const runtime = stage.runtime()
    const settings = { credentials: 'role', roleArn: `${ROLE}-untagged`, sessionTags: 'team' }
    await addUpstream(runtime, at(settings))
    await expect(callBy(runtime, 'u', ANN)).rejects.toMatchObject({
      type: 'api_error',
      retry: false,
      message: expect.not.stringContaining('arn:'),
      operator: expect.stringMatching(/Allow sts:TagSession beside sts:AssumeRole in the trust policy/),
    })
  })
})

test('where work ends with its request, a renewal is handed to the runtime to be kept alive', async () => {
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const own = { get: async () => ({ ...BASE }), reject() {} }
  const keyring = newKeyring({ own: { aws: own, google: own }, shareLoads: false }, now)
  const kept: Promise<unknown>[] = []
  const runtime = stage.runtime({ keyring, waitUntil: (work) => void kept.push(work) })
  await addUpstream(runtime, at({ credentials: 'role', roleArn: ROLE, externalId: 'an-id' }))
  await callBy(runtime, 'u')
  const first = signedWith(stage.bedrock)
  clock.ahead = 40 * 60_000
  await callBy(runtime, 'u')
  expect([signedWith(stage.bedrock), kept.length]).toEqual([first, 1])
  await Promise.all(kept)
  await callBy(runtime, 'u')
  expect(signedWith(stage.bedrock)).not.toBe(first)
  expect(stage.sts.asked).toHaveLength(2)
})

describe('the keyring', () => {
  test('holds so many sessions, and forgets the one that was not used for longest', async () => {
    const own = { get: async () => ({ ...BASE }), reject() {} }
    const means = { own: { aws: own, google: own }, shareLoads: true }
    const runtime = stage.runtime({ keyring: newKeyring(means, Date.now, 3) })
    const settings = { credentials: 'role', roleArn: ROLE, externalId: 'an-id', sessionTags: 'key' }
    await addUpstream(runtime, at(settings))
    const ask = async (keyId: string) => {
      const before = stage.sts.asked.length
      await callBy(runtime, 'u', { ...ANN, keyId })
      return stage.sts.asked.length - before
    }
    expect(await Promise.all(['1', '2', '3'].map(ask))).toHaveLength(3)
    expect([await ask('1'), await ask('4'), await ask('1'), await ask('2')]).toEqual([0, 1, 0, 1])
  })

  test('what was made of other settings is not used any more', async () => {
    const runtime = stage.runtime()
    const settings = { credentials: 'role', roleArn: ROLE, externalId: 'an-id' }
    const row = await addUpstream(runtime, at(settings))
    await callBy(runtime, 'u')
    Object.assign(row, { settings: { ...row.settings, sessionName: 'another' } })
    runtime.cache.forget('upstreams')
    await callBy(runtime, 'u')
    expect(stage.sts.issued(signedWith(stage.bedrock))).toMatchObject({ sessionName: 'another' })
  })

  test('the secrets of an upstream that were sealed under another key are not to be had', async () => {
    const runtime = stage.runtime()
    await addUpstream(runtime, at({ credentials: 'api-key' }, { apiKey: 'x' }))
    const config = { ...runtime.config, secretKeys: ['another secret key that is long enough, too'] }
    await expect(callBy({ ...runtime, config }, 'u')).rejects.toThrow('sealed under a SECRET_KEY')
  })
})

test('keys of a role that have expired are refused by AWS, and taken on anew', async () => {
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  const there = await startStage({ roles: [{ arn: ROLE, trusts: [GATEWAY] }], lives: 60_000, now })
  try {
    const runtime = there.runtime()
    const settings = { endpoint: there.bedrock.url, credentials: 'role', roleArn: ROLE }
    await addUpstream(runtime, { id: 'u', settings })
    await callBy(runtime, 'u')
    clock.ahead = 61_000
    await callBy(runtime, 'u')
    expect(there.sts.asked).toHaveLength(2)
  } finally {
    await there.close()
  }
})

test("the gateway's own keys are had anew where STS says that they have expired", async () => {
  let given = 0
  const old = { accessKeyId: 'AKIAOLD0000000000000', secretAccessKey: 'old' }
  const own = { get: async () => (given === 0 ? old : { ...BASE }), reject: () => void given++ }
  const runtime = stage.runtime({ credentials: own })
  await addUpstream(runtime, at({ credentials: 'role', roleArn: ROLE, externalId: 'an-id' }))
  await callBy(runtime, 'u')
  expect(stage.sts.asked.map(({ refusal }) => refusal)).toEqual(['InvalidClientTokenId', ''])
})

test.each([
  [{ roleArn: `${ROLE}-strange` }, /Its trust policy must allow sts:AssumeRole/],
  [{ roleArn: ROLE, externalId: 'another' }, /with the same external id/],
  [{ roleArn: ROLE, externalId: 'an-id', durationSeconds: '43200' }, /Raise the maximum session duration/],
])('a role that cannot be had (%o) is told of in full to the operator alone', async (role, says) => {
  const runtime = stage.runtime()
  await addUpstream(runtime, at({ credentials: 'role', ...role } as Record<string, string>))
  await expect(callBy(runtime, 'u')).rejects.toMatchObject({
    message: 'AWS did not let the gateway take on its role. Your key is fine: ask whoever runs this gateway.',
    operator: expect.stringMatching(says),
  })
})

test.each([
  ['RegionDisabledException', /Enable the region in its account settings/],
  ['PackedPolicyTooLarge', /Leave some of them out of sessionTags/],
  ['ExpiredTokenException', /The keys that the role is taken on with have expired/],
  ['SomethingNew', /SomethingNew: It was refused/],
])('%s is told of with what to do', async (code, says) => {
  stage.sts.behave(() => ({ refuse: { status: 403, code } }))
  const runtime = stage.runtime()
  await addUpstream(runtime, at({ credentials: 'role', roleArn: ROLE }))
  await expect(callBy(runtime, 'u')).rejects.toMatchObject({ operator: expect.stringMatching(says) })
})

test('a token that has expired is told of as such', async () => {
  const runtime = stage.runtime()
  await addUpstream(
    runtime,
    at({ credentials: 'web-identity', roleArn: ROLE }, { webIdentityToken: 'a.b.c' }),
  )
  await expect(callBy(runtime, 'u')).rejects.toMatchObject({
    operator: expect.stringMatching(/The token that is shown .* has expired or was refused/),
  })
})

test.each([
  ['a proxy', { status: 200, body: '<html><br></html>' }],
  ['nothing', { status: 200, body: '' }],
  ['too much', { status: 200, body: `<a>${'x'.repeat(100_000)}</a>` }],
  ['no credentials', { status: 200, body: '<AssumeRoleResponse/>' }],
  ['an outage', { status: 503, body: 'x' }],
])('%s instead of an answer of STS is no credentials, and may pass', async (_, answer) => {
  stage.sts.behave(() => ({ answer }))
  const runtime = stage.runtime()
  await addUpstream(runtime, at({ credentials: 'role', roleArn: ROLE }))
  await expect(callBy(runtime, 'u')).rejects.toMatchObject({
    type: 'api_error',
    retry: undefined,
    message: 'The gateway has no credentials of AWS at the moment: AWS did not give them.',
  })
})

test('without upstreams of its own a gateway asks STS for nothing', async () => {
  const { credentials } = stage.bedrock
  const runtime = stage.runtime({ credentials: { get: async () => ({ ...credentials }), reject() {} } })
  await callBy(runtime, 'default')
  expect(stage.sts.asked).toEqual([])
})
