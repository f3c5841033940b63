import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { meansOf } from '../../src/edge/credentials.ts'
import { newKeyring } from '../../src/gateway/routing/keyring.ts'
import { configured } from '../../src/gateway/routing/upstreams.ts'
import { inMemory } from '../data/databases.ts'
import { ADMIN_TOKEN, type TestRuntime, testRuntime } from '../runtime.ts'
import { type Answer, peopleOn, replicaOn, type Stage } from './people.ts'

const CANARY = 'canary-of-an-upstream-0123456789'

let database: OpenDatabase
let stage: Stage
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
})
afterAll(() => database.close())

const ROLE = { credentials: 'role', roleArn: 'arn:aws:iam::123456789012:role/outcrop' }
const KEYS = { credentials: 'keys', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: CANARY }

function wish(name: string, more: object = {}) {
  return { kind: 'bedrock', name, region: 'eu-west-1', settings: ROLE, ...more }
}

/** Set up by the operator, on a runtime without a database. */
async function setUp(runtime: TestRuntime, body: object): Promise<{ status: number; body: Answer['body'] }> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const sent = { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await app.request('/admin/upstreams', sent, runtime)
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** Refused with 400, in these words. */
async function refusedWith(body: object): Promise<string> {
  const { status, body: answer } = await stage.ask('root', 'POST', '/admin/upstreams', body)
  expect(status).toBe(400)
  return answer.error.message
}

test("the environment's upstream is listed before any is set up", async () => {
  const { body } = await stage.ask('auditor', 'GET', '/admin/upstreams')
  expect(body).toEqual({
    data: [
      {
        id: 'default',
        name: 'default',
        kind: 'bedrock',
        source: 'environment',
        region: 'us-east-1',
        transport: 'invoke',
        endpoint: 'https://bedrock-runtime.us-east-1.amazonaws.com',
        problem: null,
        settings: {},
        secrets: [],
        priority: 0,
        weight: 1,
        enabled: true,
        created_at: null,
      },
    ],
    next: null,
  })
})

test('an upstream is set up, looked at, changed and archived, and each change is in the audit log', async () => {
  const { ask, make, runtime } = stage
  const made = await make('/admin/upstreams', wish('Ireland', { weight: 3 }))
  expect(made).toMatchObject({
    kind: 'bedrock',
    source: 'admin',
    endpoint: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
    settings: ROLE,
    weight: 3,
    enabled: true,
  })
  const path = `/admin/upstreams/${made.id}`
  expect((await configured(runtime)).map(({ id }) => id)).toEqual(['default', made.id])
  const changed = await ask('admin', 'PATCH', path, { enabled: false, region: 'eu-central-1' })
  expect(changed.body).toMatchObject({
    enabled: false,
    endpoint: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
    settings: ROLE,
    warnings: [],
  })
  expect((await ask('auditor', 'GET', path)).body).toMatchObject({ enabled: false, weight: 3 })
  expect((await ask('admin', 'DELETE', path)).status).toBe(200)
  expect((await ask('admin', 'GET', path)).status).toBe(404)
  expect(await configured(runtime)).toHaveLength(1)
  const { data } = (await ask('root', 'GET', `/admin/audit?target=upstream:${made.id}`)).body
  expect(data.map(({ action }) => action)).toEqual(['upstream.archive', 'upstream.change', 'upstream.create'])
  expect(data[1]).toMatchObject({
    before: { enabled: true },
    after: { enabled: false, region: 'eu-central-1' },
  })
})

test('of an upstream of the environment, what spreads calls can be changed, and nothing else', async () => {
  const { ask, runtime } = stage
  const path = '/admin/upstreams/default'
  const { body } = await ask('root', 'PATCH', path, { priority: 5, enabled: false, name: 'Virginia' })
  expect(body).toMatchObject({
    name: 'Virginia',
    source: 'environment',
    priority: 5,
    enabled: false,
    warnings: ['No upstream is enabled now: every call is refused until one is.'],
  })
  expect(await configured(runtime)).toMatchObject([{ id: 'default', enabled: false, priority: 5 }])
  expect((await ask('root', 'PATCH', path, { enabled: true })).body).toMatchObject({
    priority: 5,
    warnings: [],
  })
  for (const [method, change] of [
    ['PATCH', { region: 'eu-west-1' }],
    ['PATCH', { settings: {} }],
    ['DELETE'],
  ] as const) {
    const { status, body: answer } = await ask('root', method, path, change)
    expect([status, answer.error.message]).toEqual([400, expect.stringMatching(/set up in the environment/)])
  }
})

test('names are taken once, those of the environment too', async () => {
  const { ask, make } = stage
  const { id } = await make('/admin/upstreams', wish('Paris'))
  for (const name of ['paris', 'Default']) {
    expect((await ask('root', 'POST', '/admin/upstreams', wish(name))).status).toBe(409)
  }
  expect((await ask('root', 'PATCH', '/admin/upstreams/none', { weight: 1 })).status).toBe(404)
  expect((await ask('root', 'DELETE', `/admin/upstreams/${id}`)).status).toBe(200)
})

describe('secrets', () => {
  test('are sealed, named but never shown, and stay where others are said', async () => {
    const { ask, make, runtime } = stage
    const made = await make('/admin/upstreams', wish('Keys', { settings: KEYS }))
    expect(made).toMatchObject({ secrets: ['secretAccessKey'], settings: { accessKeyId: KEYS.accessKeyId } })
    const path = `/admin/upstreams/${made.id}`
    const { secretAccessKey: _, ...open } = KEYS
    const settings = { ...open, accessKeyId: 'AKIAI44QH8DHBEXAMPLE' }
    const changed = await ask('root', 'PATCH', path, { settings })
    expect(changed.body).toMatchObject({ secrets: ['secretAccessKey'], settings })
    const source = (await configured(runtime)).find(({ id }) => id === made.id)?.credentialsFor(undefined)
    expect(await source?.get()).toMatchObject({ accessKeyId: settings.accessKeyId, secretAccessKey: CANARY })
    const others = await ask('root', 'PATCH', path, { settings: ROLE })
    expect(others.body).toMatchObject({ secrets: [], settings: ROLE })
    const back = await ask('root', 'PATCH', path, { settings: open })
    expect(back.body.error.message).toBe(
      'settings.secretAccessKey: Input should be given where credentials is keys',
    )
    await ask('root', 'DELETE', path)
  })

  test.each([
    ['keys', KEYS],
    ['an API key', { credentials: 'api-key', apiKey: CANARY }],
    ['a token', { credentials: 'web-identity', roleArn: ROLE.roleArn, webIdentityToken: `a.b.${CANARY}` }],
  ])('%s are in no answer, no row, no line and no entry', async (name, settings) => {
    const { ask, make, runtime } = stage
    const answers: string[] = []
    const { id } = await make('/admin/upstreams', wish(`Canary of ${name}`, { settings }))
    const path = `/admin/upstreams/${id}`
    // A mistake is told of without what was said.
    const wrong = { settings: { ...settings, roleArn: 'x', dualStack: 'perhaps' } }
    for (const body of [{ settings }, wrong, { weight: 2 }])
      answers.push((await ask('root', 'PATCH', path, body)).text)
    for (const where of [
      path,
      '/admin/upstreams',
      '/admin/upstreams/kinds',
      '/admin/audit',
      '/admin/audit/export',
    ])
      answers.push((await ask('root', 'GET', where)).text)
    const rows = JSON.stringify(await runtime.data.upstreams.all())
    answers.push((await ask('root', 'DELETE', path)).text)
    expect(answers.join('')).toContain(id)
    expect(rows).toContain(id)
    for (const text of [...answers, rows, JSON.stringify(runtime.lines)]) expect(text).not.toContain(CANARY)
    expect(JSON.stringify(await runtime.data.upstreams.byId(id))).toBe(undefined)
  })
})

test.each([
  [{ kind: 'ollama' }, 'kind: Input should be one of bedrock, claude-platform, anthropic, vertex'],
  [{ kind: 'environment' }, 'kind: Input should be one of bedrock, claude-platform, anthropic, vertex'],
  [{ kind: 'constructor' }, 'kind: Input should be one of bedrock, claude-platform, anthropic, vertex'],
  [{ region: null }, 'region: Field required'],
  [{ region: 'x/y' }, 'region: Input should be an AWS region such as us-east-1'],
  [{ kind: 'anthropic', settings: { apiKey: 'x' } }, 'region: Anthropic has none: leave it out'],
  [{ transport: 'carrier' }, 'transport: Input should be one of auto, invoke, messages, mantle'],
  [{ settings: { colour: 'x' } }, 'settings.colour: Amazon Bedrock has no such setting'],
  [{ settings: { credentials: 'magic' } }, /^settings.credentials: Input should be one of chain, keys/],
  [
    { settings: { ...ROLE, apiKey: 'x' } },
    'settings.apiKey: Input should be left out where credentials is role',
  ],
  [
    { settings: { credentials: 'keys' } },
    'settings.accessKeyId: Input should be given where credentials is keys',
  ],
  [
    { settings: { ...ROLE, accessKeyId: KEYS.accessKeyId } },
    'settings.secretAccessKey: Input should be given as well',
  ],
  [
    { settings: { ...ROLE, roleArn: 'arn:aws:iam::1:role/x' } },
    /^settings.roleArn: Input should be the ARN of a role/,
  ],
  [{ region: 'us-gov-west-1' }, /^settings.roleArn: Input should start with arn:aws-us-gov:/],
  [
    { settings: { ...ROLE, durationSeconds: '60' } },
    'settings.durationSeconds: Input should be 900 to 43200 seconds',
  ],
  [
    { settings: { ...ROLE, durationSeconds: '1e3' } },
    'settings.durationSeconds: Input should be 900 to 43200 seconds',
  ],
  [{ settings: { ...ROLE, externalId: 'a b' } }, /^settings.externalId/],
  [{ settings: { ...ROLE, sessionName: 'a b' } }, /^settings.sessionName/],
  [{ settings: { ...ROLE, sessionTags: 'team, team' } }, /^settings.sessionTags/],
  [{ settings: { ...ROLE, sessionTags: 'aws:x=1' } }, /^settings.sessionTags/],
  [{ settings: { ...ROLE, sessionTags: 'colour' } }, /^settings.sessionTags/],
  [{ settings: { ...ROLE, sessionTags: 'a=#' } }, /^settings.sessionTags/],
  [{ transport: 'mantle', settings: { fips: 'true' } }, /^settings.fips/],
  [{ settings: { profile: 'EU' } }, /^settings.profile/],
  [{ kind: 'claude-platform', settings: {} }, 'settings.workspace: Field required'],
  [{ kind: 'vertex', region: 'global', settings: { project: 'X' } }, /^settings.project/],
  [
    {
      kind: 'vertex',
      region: 'global',
      settings: { project: 'a-project', serviceAccount: '{"type":"external_account"}' },
    },
    'settings.serviceAccount: Input should be what is in the JSON file of a service account',
  ],
])('%o is refused by name', async (more, says) => {
  expect(await refusedWith(wish('never', more))).toEqual(
    typeof says === 'string' ? says : expect.stringMatching(says),
  )
})

describe('another address', () => {
  const accepted = [
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.api.aws/'],
    ['eu-west-1', 'auto', 'https://vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://vpce-0a1b-2c3d-eu-west-1a.bedrock-runtime.eu-west-1.vpce.amazonaws.com'],
    ['eu-west-1', 'mantle', 'https://vpce-0a1b-2c3d.bedrock-mantle.eu-west-1.vpce.amazonaws.com'],
    ['us-gov-west-1', 'auto', 'https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'auto', 'https://vpce-0a1b-2c3d.bedrock-runtime.cn-north-1.vpce.amazonaws.com.cn'],
    ['eu-west-1', 'auto', 'http://proxy.corp:8080/aws'],
  ] as const
  const refused = [
    ['eu-west-1', 'auto', 'https://evil.test'],
    ['eu-west-1', 'auto', 'http://bedrock-runtime.eu-west-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.amazonaws.com.evil.test'],
    ['eu-west-1', 'auto', 'https://evil.bedrock-runtime.eu-west-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.amazonaws.com:8443'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.amazonaws.com/path'],
    ['eu-west-1', 'auto', 'https://user@bedrock-runtime.eu-west-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://bedrock-runtime.eu-west-1.amazonaws.com?x'],
    ['eu-west-1', 'auto', 'https://sts.eu-west-1.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://vpce-0a1b-2c3d.evil.eu-west-1.vpce.amazonaws.com'],
    ['eu-west-1', 'auto', 'https://evil.s3.amazonaws.com'],
    ['eu-west-1', 'auto', 'http://169.254.169.254'],
    ['eu-west-1', 'auto', 'http://127.0.0.1:9000'],
    ['eu-west-1', 'auto', 'http://localhost:9000'],
    ['eu-west-1', 'auto', 'http://proxy.corp:8081'],
    ['eu-west-1', 'auto', 'http://proxy.corp.evil.test:8080'],
    ['eu-west-1', 'mantle', 'https://bedrock-runtime.eu-west-1.amazonaws.com'],
  ] as const

  const there = testRuntime({ env: { EGRESS_TRUSTED: 'http://proxy.corp:8080' } })
  const ask = (region: string, transport: string, endpoint: string, more = {}) =>
    setUp(there, {
      kind: 'bedrock',
      name: `${endpoint} ${JSON.stringify(more)}`,
      region,
      transport,
      settings: { endpoint, ...more },
    })

  test.each(accepted)('in %s by %s, %s may be set', async (region, transport, endpoint) => {
    const { status, body } = await ask(region, transport, endpoint)
    expect([status, body['endpoint']]).toEqual([201, endpoint.replace(/\/$/, '')])
  })

  test.each(refused)('in %s by %s, %s may not', async (region, transport, endpoint) => {
    const { status, body } = await ask(region, transport, endpoint)
    expect([status, body.error.message]).toEqual([
      400,
      expect.stringMatching(/^settings.endpoint: Input should be/),
    ])
  })

  test('with FIPS, only what is validated may be', async () => {
    const plain = 'https://bedrock-runtime.us-east-1.amazonaws.com'
    const fips = 'https://bedrock-runtime-fips.us-east-1.amazonaws.com'
    expect((await ask('us-east-1', 'auto', plain, { fips: 'true' })).status).toBe(400)
    expect((await ask('us-east-1', 'auto', fips, { fips: 'true' })).status).toBe(201)
  })

  test.each(['stsEndpoint', 'controlEndpoint'])('%s is held to the same', async (field) => {
    const settings = { ...(field === 'stsEndpoint' ? ROLE : {}), [field]: 'https://evil.test' }
    const body = { kind: 'bedrock', name: field, region: 'eu-west-1', settings }
    const answer = await setUp(there, body)
    expect(answer.body.error.message).toMatch(new RegExp(`^settings.${field}: Input should be`))
    const good = field === 'stsEndpoint' ? 'sts' : 'bedrock'
    const own = { ...settings, [field]: `https://vpce-0-1.${good}.eu-west-1.vpce.amazonaws.com` }
    expect((await setUp(there, { ...body, settings: own })).status).toBe(201)
  })
})

describe('on Workers', () => {
  function worker(variables: Record<string, string> = {}): TestRuntime {
    const plain = testRuntime()
    return { ...plain, keyring: newKeyring(meansOf(variables, plain.credentials), plain.now) }
  }

  const google = { project: 'a-project' }
  test.each([
    [
      'bedrock',
      'eu-west-1',
      { credentials: 'chain' },
      /A Worker has no role and no profile of AWS. Give this upstream keys/,
    ],
    ['bedrock', 'eu-west-1', {}, /A Worker has no role/],
    ['bedrock', 'eu-west-1', ROLE, /A Worker has no role/],
    ['vertex', 'global', google, /A Worker has no Google account of its own/],
    [
      'bedrock',
      'eu-west-1',
      { ...ROLE, credentials: 'web-identity', webIdentityTokenFile: '/token' },
      /Where this gateway runs there are no files/,
    ],
  ])(
    '%s in %s with %o is refused when it is set, and when it is used',
    async (kind, region, settings, says) => {
      const runtime = worker()
      const { status, body } = await setUp(runtime, {
        kind,
        name: 'w',
        region,
        settings,
      })
      expect([status, body.error.message]).toEqual([400, expect.stringMatching(says)])
      // It may have been set up where there was more: a process with a disk, over the same database.
      const row = { id: 'u', kind, name: 'w', region, transport: 'auto', settings, secrets: null }
      const rest = { priority: 0, weight: 1, enabled: true, createdAt: new Date(), archivedAt: null }
      await runtime.data.upstreams.create({ ...row, ...rest })
      runtime.cache.forget('upstreams')
      const found = (await configured(runtime)).find(({ id }) => id === 'u')
      await expect(found?.credentialsFor(undefined).get()).rejects.toThrow(says)
    },
  )

  test.each([
    ['bedrock', 'eu-west-1', KEYS],
    ['bedrock', 'eu-west-1', { credentials: 'api-key', apiKey: 'x' }],
    ['bedrock', 'eu-west-1', { ...ROLE, accessKeyId: KEYS.accessKeyId, secretAccessKey: 'x' }],
    ['bedrock', 'eu-west-1', { ...ROLE, credentials: 'web-identity', webIdentityToken: 'a.b.c' }],
    ['claude-platform', 'eu-west-1', { credentials: 'api-key', apiKey: 'x', workspace: 'wrkspc_1' }],
    ['anthropic', null, { apiKey: 'x' }],
  ])('%s in %s with %o may be set up', async (kind, region, settings) => {
    const runtime = worker()
    const { status } = await setUp(runtime, { kind, name: 'w', region, settings })
    expect(status).toBe(201)
  })

  test('the keys among its secrets are its own', async () => {
    const runtime = worker({ AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'x' })
    const { status } = await setUp(runtime, wish('w'))
    expect(status).toBe(201)
  })
})
