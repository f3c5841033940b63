/** Routing policies by the admin API, what they do to calls, and the preview that says why. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { forgetUpstreams } from '../../src/gateway/routing/upstreams.ts'
import { inMemory } from '../data/databases.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

const MODEL = 'claude-opus-5-5'
const [IRISH, GOOGLES] = ['upstream_irish', 'upstream_googles']

let database: OpenDatabase
let stage: Stage
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
  const { upstreams } = stage.runtime.data
  const row = {
    transport: 'auto',
    secrets: null,
    priority: 0,
    weight: 1,
    enabled: true,
    createdAt: new Date(0),
    archivedAt: null,
  }
  await upstreams.create({
    ...row,
    id: IRISH,
    kind: 'bedrock',
    name: 'irish',
    region: 'eu-west-1',
    settings: {},
  })
  await upstreams.create({
    ...row,
    id: GOOGLES,
    kind: 'vertex',
    name: 'googles',
    region: 'eu',
    settings: { project: 'a-project' },
  })
  forgetUpstreams(stage.runtime)
})
afterAll(() => database.close())
beforeEach(async () => {
  expect((await stage.ask('root', 'PUT', '/admin/routing', {})).status).toBe(200)
  await setTeam(null)
})

const setTeam = (routing: object | null) =>
  stage.ask('root', 'PATCH', `/admin/teams/${stage.teams.theirs}`, { routing })

interface Seen {
  strategy: string
  upstreams: {
    id: string
    turn: number | null
    reason: string | null
    says: string | null
    region_class: string
  }[]
  refusal: { type: string; message: string } | null
}

async function preview(query: Record<string, string> = {}): Promise<Seen> {
  const answer = await stage.ask(
    'root',
    'GET',
    `/admin/routing/preview?${new URLSearchParams({ model: MODEL, ...query })}`,
  )
  expect(answer.status, answer.text).toBe(200)
  return answer.body as unknown as Seen
}

const reasons = ({ upstreams }: Seen) => Object.fromEntries(upstreams.map(({ id, reason }) => [id, reason]))

/** A call with a key of the team, as far as it is let: no upstream can be reached here. */
async function call(model = MODEL) {
  const response = await app.request(
    '/v1/messages',
    {
      method: 'POST',
      headers: { 'x-api-key': stage.secrets.llmKey ?? '', 'content-type': 'application/json' },
      body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: 'user', content: 'hello' }] }),
    },
    stage.runtime,
  )
  return {
    status: response.status,
    body: (await response.json()) as { error: { type: string; message: string } },
  }
}

describe("the organisation's policy", () => {
  test('is replaced as a whole, holds at once, and is on the audit log', async () => {
    const policy = {
      strategy: 'weighted',
      upstreams: ['default', IRISH],
      geographies: ['eu', 'us-east-1'],
      step_down: { 'claude-opus-*': ['claude-sonnet-5-5'] },
      patience_ms: 5_000,
    }
    const put = await stage.ask('admin', 'PUT', '/admin/routing', policy)
    expect(put.body).toEqual(policy)
    expect((await stage.ask('auditor', 'GET', '/admin/routing')).body).toEqual(policy)
    expect((await preview()).strategy).toBe('weighted')
    await stage.ask('admin', 'PUT', '/admin/routing', { strategy: 'priority' })
    expect((await stage.ask('auditor', 'GET', '/admin/routing')).body).toEqual({ strategy: 'priority' })
    const { data } = (await stage.ask('root', 'GET', '/admin/audit?action=routing.change&limit=10')).body
    expect(data).toContainEqual(
      expect.objectContaining({ action: 'routing.change', before: policy, after: { strategy: 'priority' } }),
    )
  })

  test.each([
    [{ upstreams: ['upstream_nobodys'] }, "routing.upstreams: There is no upstream 'upstream_nobodys'"],
    [{ geographies: ['europe'] }, /^geographies\.0: Input should be one of us, us-gov, eu/],
    [{ providers: ['azure'] }, /^providers\.0: /],
    [{ strategy: 'round_robin' }, /^strategy: /],
    [{ patience_ms: 90_001 }, /^patience_ms: /],
    [{ patience_ms: -1 }, /^patience_ms: /],
    [{ step_down: { 'claude-*': [] } }, /^step_down\.claude-\*: /],
    [{ strategies: 'sticky' }, /strategies/],
  ])('%j is refused, saying where', async (policy, message) => {
    const answer = await stage.ask('root', 'PUT', '/admin/routing', policy)
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(message),
    })
    expect((await stage.ask('root', 'GET', '/admin/routing')).body).toEqual({})
  })
})

describe("a team's policy", () => {
  test("goes over the organisation's, and null gives it back", async () => {
    await stage.ask('root', 'PUT', '/admin/routing', { strategy: 'priority' })
    const { teams } = stage
    expect((await setTeam({ strategy: 'weighted' })).body['routing']).toEqual({ strategy: 'weighted' })
    expect((await preview({ team: teams.theirs })).strategy).toBe('weighted')
    expect((await preview({ team: teams.other })).strategy).toBe('priority')
    expect((await setTeam(null)).body['routing']).toBeNull()
    expect((await preview({ team: teams.theirs })).strategy).toBe('priority')
  })

  test("may not reach beyond the organisation's, neither when it is set nor when that is narrowed later", async () => {
    await stage.ask('root', 'PUT', '/admin/routing', {
      geographies: ['eu'],
      providers: ['bedrock'],
      upstreams: [IRISH],
    })
    for (const [policy, message] of [
      [
        { geographies: ['eu-west-1', 'us'] },
        "routing.geographies: 'us' is not within the organisation's: eu",
      ],
      [{ geographies: ['global'] }, "routing.geographies: 'global' is not within"],
      [{ providers: ['vertex'] }, "routing.providers: 'vertex' is not within"],
      [{ upstreams: ['default'] }, "routing.upstreams: 'default' is not within"],
    ] as const) {
      const answer = await setTeam(policy)
      expect(answer.status).toBe(400)
      expect(answer.body.error.message).toContain(message)
      const made = await stage.ask('root', 'POST', '/admin/teams', { name: 'beyond', routing: policy })
      expect(made.status).toBe(400)
    }
    expect((await setTeam({ geographies: ['eu-west-1', 'eu'] })).status).toBe(200)
    await setTeam(null)
    await stage.ask('root', 'PUT', '/admin/routing', {})
    await setTeam({ geographies: ['us', 'eu'], providers: null })
    await stage.ask('root', 'PUT', '/admin/routing', { geographies: ['eu'] })
    expect(reasons(await preview({ team: stage.teams.theirs }))).toEqual({
      default: 'geography',
      [IRISH]: null,
      [GOOGLES]: null,
    })
  })

  test('is seen by who may see the team, and changed by admins alone', async () => {
    await setTeam({ strategy: 'weighted' })
    const path = `/admin/teams/${stage.teams.theirs}`
    expect((await stage.ask('lead', 'GET', path)).body['routing']).toEqual({ strategy: 'weighted' })
    expect((await stage.ask('lead', 'PATCH', path, { routing: null })).status).toBe(403)
  })
})

describe('a call that no upstream may take', () => {
  test('for its geography is told so, of each upstream, and is not tried again', async () => {
    await setTeam({ geographies: ['jp'], providers: null })
    const { status, body } = await call()
    expect(status).toBe(400)
    expect(body.error.type).toBe('policy_blocked')
    expect(body.error.message).toContain(
      "default: it runs elsewhere than allowed (it may run in us, us-east-1, the team's geographies are jp)",
    )
    expect(body.error.message).toContain('irish: it runs elsewhere than allowed (it may run in eu, eu-west-1')
    expect(body.error.message).toContain('googles: it runs elsewhere than allowed (it may run in eu,')
  })

  test('may not leave it by asking for global, nor for an upstream by name', async () => {
    await setTeam({ geographies: ['eu'] })
    for (const model of [
      `global.anthropic.${MODEL}`,
      `irish/global.anthropic.${MODEL}`,
      `default/${MODEL}`,
    ]) {
      const { body } = await call(model)
      expect(body.error.type, model).toBe('policy_blocked')
    }
  })

  test('counting its tokens is no way around it', async () => {
    await setTeam({ geographies: ['jp'] })
    const response = await app.request(
      '/v1/messages/count_tokens',
      {
        method: 'POST',
        headers: { 'x-api-key': stage.secrets.llmKey ?? '' },
        body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'hello' }] }),
      },
      stage.runtime,
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { type: 'policy_blocked' } })
  })

  test("nor is Bedrock's own door", async () => {
    await setTeam({ geographies: ['jp'] })
    const response = await app.request(
      `/model/global.anthropic.${MODEL}/invoke`,
      {
        method: 'POST',
        headers: { 'x-api-key': stage.secrets.llmKey ?? '' },
        body: JSON.stringify({ max_tokens: 10, messages: [{ role: 'user', content: 'hello' }] }),
      },
      stage.runtime,
    )
    expect(response.status).toBe(400)
    expect(response.headers.get('x-amzn-errortype')).toBe('ValidationException')
  })

  test('and no model is listed that could not be asked for', async () => {
    const listed = async () => {
      const headers = { 'x-api-key': stage.secrets.llmKey ?? '' }
      const response = await app.request('/v1/models', { headers }, stage.runtime)
      return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id)
    }
    const all = await listed()
    await setTeam({ geographies: ['eu'] })
    const european = await listed()
    expect(all).toContain('claude-fable-5-2')
    expect(european).not.toContain('claude-fable-5-2')
    expect(european).toContain(MODEL)
    await setTeam({ geographies: ['jp'] })
    expect(await listed()).toEqual([])
  })
})

describe('the preview', () => {
  test('says of every upstream whether a call would go there, and why not', async () => {
    const { upstreams, refusal } = await preview()
    expect(upstreams.map(({ id }) => id).slice(2)).toEqual([GOOGLES])
    expect(upstreams.map(({ turn }) => turn)).toEqual([1, 2, null])
    expect(upstreams[2]).toMatchObject({
      reason: 'not_asked',
      says: "it takes calls that ask for 'vertex/…', until a policy names providers",
    })
    expect(refusal).toBeNull()
  })

  test('says where a call of a name that names its upstream would go', async () => {
    for (const model of [`vertex/${MODEL}`, `googles/${MODEL}`, `${GOOGLES}/${MODEL}`])
      expect((await preview({ model })).upstreams[0]).toMatchObject({ id: GOOGLES, turn: 1 })
    expect((await preview({ model: `irish/${MODEL}` })).upstreams[0]).toMatchObject({
      id: IRISH,
      region_class: 'eu',
    })
    expect(
      (await preview({ model: `bedrock/${MODEL}` })).upstreams.filter(({ turn }) => turn !== null),
    ).toHaveLength(2)
  })

  test('sees what this replica has seen: a breaker that is open, and the words of the refusal', async () => {
    const { breakers } = stage.runtime.steering
    const at = stage.runtime.now()
    breakers.failed(IRISH, `eu.anthropic.${MODEL}`, at, 'unreachable', 30_000)
    for (let failure = 0; failure < 10; failure++)
      breakers.failed(IRISH, `eu.anthropic.${MODEL}`, at, 'unreachable')
    expect(reasons(await preview())).toMatchObject({ default: null, [IRISH]: 'breaker_open' })
    stage.runtime.clock.now += 3_600_000
    const { refusal } = await preview({ model: 'claude-opus-9' })
    expect(refusal).toMatchObject({
      type: 'not_found_error',
      message: expect.stringContaining('is not available'),
    })
  })

  test("as a key sees it: its models, its team's policy", async () => {
    const key = await stage.makeKey('member', { models: ['claude-haiku-*'] })
    const seen = await preview({ key: key.id })
    expect(seen.refusal).toMatchObject({
      type: 'policy_blocked',
      message: expect.stringContaining('claude-haiku'),
    })
    await setTeam({ upstreams: [IRISH] })
    expect(reasons(await preview({ key: key.id, model: 'claude-haiku-5-5' }))).toMatchObject({
      default: 'not_allowed',
      [IRISH]: null,
    })
  })

  test('refuses what is not there, and two answers at once', async () => {
    const ask = (query: string) => stage.ask('root', 'GET', `/admin/routing/preview?${query}`)
    expect((await ask('model=x&team=team_nobodys')).status).toBe(404)
    expect((await ask('model=x&key=key_nobodys')).status).toBe(404)
    expect((await ask('team=x')).status).toBe(400)
    expect((await ask('model=x&team=a&key=b')).status).toBe(400)
  })
})
