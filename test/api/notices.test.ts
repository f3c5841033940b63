/** Channels and notices by the admin API: draft, test, active; what is told, to whom, and what became of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { deliverDue } from '../../src/gateway/deliver.ts'
import { SECRET } from '../notify/sending.ts'
import { noticeStage, type Stage } from '../notify/stage.ts'
import { ADMIN_TOKEN, type TestRuntime } from '../runtime.ts'
import { peopleOn, type Who } from './people.ts'

let stage: Stage
let runtime: TestRuntime
beforeAll(async () => {
  stage = await noticeStage()
})
beforeEach(async () => {
  await stage.clear()
  runtime = stage.replica()
})
afterAll(() => stage.close())

/** Every answer, to be looked through for secrets. */
const answers: string[] = []

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: object = { authorization: `Bearer ${ADMIN_TOKEN}` },
) {
  const init = {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
  const answer = await app.request(`/admin${path}`, init, runtime)
  const text = await answer.text()
  answers.push(text)
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

const wish = (more: object = {}) => ({
  kind: 'webhook',
  name: 'on call',
  settings: { url: `${stage.inbox.url}/ops`, secret: SECRET },
  ...more,
})

async function drafted(more: object = {}): Promise<string> {
  const { status, body } = await ask('POST', '/channels', wish(more))
  expect(status).toBe(201)
  return body.id
}

async function activated(more: object = {}): Promise<string> {
  const id = await drafted(more)
  expect((await ask('POST', `/channels/${id}/test`)).body).toMatchObject({ passed: true })
  expect((await ask('POST', `/channels/${id}/activate`)).status).toBe(200)
  stage.inbox.posted.length = 0
  return id
}

describe('a channel', () => {
  test('is a draft, is tested, and is active then; other settings make it a draft again', async () => {
    const id = await drafted()
    expect((await ask('GET', `/channels/${id}`)).body).toEqual({
      id,
      kind: 'webhook',
      name: 'on call',
      state: 'draft',
      settings: { url: `${stage.inbox.url}/ops` },
      secrets: ['secret'],
      kinds: null,
      teams: null,
      tested_at: null,
      created_at: expect.any(String),
      deliveries: { waiting: 0, delivered: 0, dead: 0 },
    })
    expect(await ask('POST', `/channels/${id}/activate`)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining(`POST /channels/${id}/test first`) } },
    })
    stage.inbox.answer(() => ({ status: 410, body: 'hunter2' }))
    const failed = await ask('POST', `/channels/${id}/test`)
    expect(failed).toMatchObject({ status: 200, body: { passed: false, problem: 'http_410' } })
    expect((await ask('POST', `/channels/${id}/activate`)).status).toBe(400)
    stage.inbox.answer(() => ({ status: 200, body: 'hunter2' }))
    const passed = await ask('POST', `/channels/${id}/test`)
    expect(passed.body).toMatchObject({ passed: true, problem: null })
    expect(JSON.parse(stage.inbox.posted.at(-1)?.body ?? '')).toMatchObject({
      kind: 'test',
      id: passed.body.notice_id,
    })
    expect(await ask('POST', `/channels/${id}/activate`)).toMatchObject({
      status: 200,
      body: { state: 'active' },
    })

    const renamed = await ask('PATCH', `/channels/${id}`, { name: 'night', teams: ['team_1'] })
    expect(renamed.body).toMatchObject({ name: 'night', teams: ['team_1'], state: 'active' })
    const moved = await ask('PATCH', `/channels/${id}`, { settings: { url: `${stage.inbox.url}/elsewhere` } })
    expect(moved.body).toMatchObject({ state: 'draft', tested_at: null, secrets: ['secret'] })
    expect((await ask('POST', `/channels/${id}/activate`)).status).toBe(400)
    // The secret that was not said is the one from before.
    expect((await ask('POST', `/channels/${id}/test`)).body).toMatchObject({ passed: true })
    expect((await ask('POST', `/channels/${id}/activate`)).body).toMatchObject({ state: 'active' })
    expect((await ask('POST', `/channels/${id}/off`)).body).toMatchObject({ state: 'off' })
    expect((await ask('POST', `/channels/${id}/off`)).body).toMatchObject({ state: 'off' })

    const { body: page } = await ask('GET', '/channels')
    expect(page).toMatchObject({ data: [{ id, deliveries: { delivered: 2, dead: 1 } }], next: null })
    expect((await ask('DELETE', `/channels/${id}`)).status).toBe(204)
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/activate'],
      ['POST', '/off'],
      ['POST', '/retry'],
      ['GET', '/deliveries'],
    ] as const) {
      const { status, body } = await ask(
        method,
        `/channels/${id}${path}`,
        method === 'PATCH' ? {} : undefined,
      )
      expect([method, path, status, body.error.message]).toEqual([
        method,
        path,
        404,
        `There is no channel '${id}'.`,
      ])
    }
  })

  test('whose settings change while it is tested is not tested by that', async () => {
    const id = await drafted()
    stage.inbox.answer(async () => {
      await ask('PATCH', `/channels/${id}`, {
        settings: { url: `${stage.inbox.url}/elsewhere`, secret: SECRET },
      })
      return { status: 200 }
    })
    expect((await ask('POST', `/channels/${id}/test`)).body).toMatchObject({ passed: true })
    expect((await ask('GET', `/channels/${id}`)).body).toMatchObject({ state: 'draft', tested_at: null })
    expect((await ask('POST', `/channels/${id}/activate`)).status).toBe(400)
  })

  test.each([
    [{ kind: 'pigeon' }, /^kind: Input should be one of email, eventbridge, slack, sns, webhook$/],
    [{ settings: {} }, /^settings.url: Field required$/],
    [{ settings: { url: 'no', secret: SECRET } }, /^settings.url: Input should be a valid URL$/],
    [{ settings: { url: 'https://a.example', secret: 'x' } }, /^settings.secret: Input should be whsec_/],
    [
      { settings: { url: 'https://a.example', secret: SECRET, more: 'x' } },
      /^settings.more: Webhook has no such setting$/,
    ],
    [{ settings: { url: 'https://a.example/\ud83d', secret: SECRET } }, /^settings.url: .*well-formed/],
    [{ kinds: ['test'] }, /^kinds.0: /],
    [{ kinds: [] }, /^kinds: /],
    [{ name: ' ' }, /^name: /],
    [{ teams: ['a\0b'] }, /^teams.0: .*NUL/],
    [{ surprise: 1 }, /surprise/],
  ])('with %j is refused in a sentence that says where', async (more, sentence) => {
    const { status, body } = await ask('POST', '/channels', wish(more))
    expect([status, body.error.type]).toEqual([400, 'invalid_request_error'])
    expect(body.error.message).toMatch(sentence)
  })

  test('says which kinds there are, and what each wants to know', async () => {
    const { body } = await ask('GET', '/channels/kinds')
    expect(body.data.map(({ kind }: { kind: string }) => kind)).toEqual([
      'email',
      'eventbridge',
      'slack',
      'sns',
      'webhook',
    ])
    expect(body.data.at(-1).fields).toEqual([
      { name: 'url', label: 'Address', required: true, secret: false, hint: 'https://example.com/notices' },
      { name: 'secret', label: 'Signing secret', required: true, secret: true, hint: 'whsec_… in base64' },
    ])
  })

  test('is there a hundred times at the most', async () => {
    for (let count = 0; count < 100; count++) await stage.channel('/ops')
    const { status, body } = await ask('POST', '/channels', wish())
    expect([status, body.error.message]).toEqual([
      400,
      'There are 100 channels, which is as many as there may be.',
    ])
  })

  test('is not for strangers', async () => {
    const id = await drafted()
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      for (const [method, path] of [
        ['GET', '/channels'],
        ['POST', `/channels/${id}/test`],
        ['GET', '/notices'],
      ] as const)
        expect((await ask(method, path, undefined, headers)).status).toBe(401)
    }
    expect(stage.inbox.posted).toEqual([])
  })
})

describe('notices', () => {
  test('are listed with what became of them, and tried again when somebody asks', async () => {
    const id = await activated({ kinds: ['key_expiring'] })
    await stage.raise({ teamId: 'team_1', detail: { left: 1, user: null } })
    await stage.raise({ kind: 'error_rate', severity: 'critical', subject: 'error_rate:default' })
    stage.inbox.answer(() => ({ status: 500 }))
    await deliverDue(runtime)

    const { body: all } = await ask('GET', '/notices')
    expect(all.data.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual([
      'error_rate',
      'key_expiring',
      'test',
    ])
    const { body: page } = await ask('GET', '/notices?kind=key_expiring&team=team_1&severity=info')
    const [notice] = page.data
    expect(notice).toMatchObject({
      team_id: 'team_1',
      sentence: 'A key expires.',
      detail: { left: 1, user: null },
    })
    expect((await ask('GET', `/notices/${notice.id}`)).body).toEqual(notice)
    expect((await ask('GET', '/notices?team=team_2')).body.data).toEqual([])
    expect((await ask('GET', '/notices?kind=nonsense')).status).toBe(400)
    const first = await ask('GET', '/notices?limit=1')
    const second = await ask('GET', `/notices?limit=1&cursor=${first.body.next}`)
    expect(second.body.data[0].id).toBe(all.data[1].id)

    const expected = {
      notice_id: notice.id,
      channel_id: id,
      kind: 'key_expiring',
      sentence: 'A key expires.',
      state: 'waiting',
      attempts: 1,
      next_at: expect.any(String),
      problem: 'http_500',
      delivered_at: null,
    }
    expect((await ask('GET', `/notices/${notice.id}/deliveries`)).body).toEqual({
      data: [expected],
      next: null,
    })
    expect((await ask('GET', `/channels/${id}/deliveries?state=waiting`)).body).toEqual({
      data: [expected],
      next: null,
    })
    const { body: history } = await ask('GET', `/channels/${id}/deliveries?limit=1`)
    expect(history.next).toBe(history.data[0].notice_id)

    stage.inbox.answer(() => ({ status: 200 }))
    expect((await ask('POST', `/channels/${id}/retry`)).body).toEqual({ deliveries: 1 })
    await deliverDue(runtime)
    expect((await ask('GET', `/notices/${notice.id}/deliveries`)).body.data).toMatchObject([
      { state: 'delivered', next_at: null, problem: null, delivered_at: expect.any(String) },
    ])
    expect((await ask('GET', '/notices/notice_none')).status).toBe(404)
    expect((await ask('GET', '/notices/notice_none/deliveries')).status).toBe(404)
  })

  test('about a team are for its lead, about others and about no team they are not', async () => {
    const { ask: askAs, teams } = await peopleOn(runtime)
    await stage.raise({ teamId: teams.theirs })
    await stage.raise({ teamId: teams.other })
    await stage.raise()
    const seen = async (who: Who, query = '') => {
      const { data } = (await askAs(who, 'GET', `/admin/notices${query}`)).body
      return data.map((each) => each['team_id']).toSorted()
    }
    expect(await seen('auditor')).toEqual([teams.theirs, teams.other, null].toSorted())
    expect(await seen('lead')).toEqual([teams.theirs])
    expect(await seen('lead', `?team=${teams.theirs}`)).toEqual([teams.theirs])
    expect(await seen('lead', `?team=${teams.other}`)).toEqual([])
    const { data } = (await askAs('root', 'GET', '/admin/notices')).body
    for (const { id, team_id: team } of data) {
      for (const path of [`/admin/notices/${id}`, `/admin/notices/${id}/deliveries`])
        expect((await askAs('lead', 'GET', path)).status).toBe(team === teams.theirs ? 200 : 404)
    }
  })

  test('wait for a channel that was removed no more', async () => {
    const id = await activated()
    await stage.raise()
    await ask('DELETE', `/channels/${id}`)
    await deliverDue(runtime)
    expect(stage.inbox.posted).toEqual([])
    const [notice] = (await ask('GET', '/notices?kind=key_expiring')).body.data
    expect((await ask('GET', `/notices/${notice.id}/deliveries`)).body.data).toMatchObject([
      { state: 'dead', problem: 'channel_removed' },
    ])
  })
})

test('every change is in the audit log, and no secret is in it or in any answer', async () => {
  const slack = `${stage.inbox.url}/services/T0/B0/hunter2`
  const id = await drafted({ kind: 'slack', settings: { url: slack } })
  await ask('POST', `/channels/${id}/test`)
  await ask('POST', `/channels/${id}/activate`)
  await ask('POST', `/channels/${id}/retry`)
  await ask('PATCH', `/channels/${id}`, { settings: {} })
  await ask('DELETE', `/channels/${id}`)
  const entries = await stage.data.audit.find({ target: `channel:${id}`, limit: 100 })
  expect(entries.map(({ action }) => action).toSorted()).toEqual(
    ['activate', 'change', 'create', 'remove', 'retry', 'test'].map((what) => `channel.${what}`),
  )
  const everything = answers.join() + JSON.stringify(entries) + JSON.stringify(runtime.lines)
  for (const secret of ['hunter2', SECRET, SECRET.slice(6)]) expect(everything).not.toContain(secret)
})
