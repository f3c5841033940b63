import { describe, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import { ADMIN_TOKEN_HASH } from '../../src/gateway/administer.ts'
import { hashOf } from '../../src/protocol/keys.ts'
import { ADMIN_TOKEN, keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

interface Sent {
  method?: string
  body?: unknown
  token?: string | null
}

function ask(runtime: TestRuntime, path: string, { method = 'GET', body, token = ADMIN_TOKEN }: Sent = {}) {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return app.request(path, { method, headers, ...(body === undefined ? {} : { body: text }) }, runtime)
}

type Made = { id: string; key: string }
const make = async (runtime: TestRuntime, body: object = { name: 'Ada' }) =>
  (await (await ask(runtime, '/admin/keys', { method: 'POST', body })).json()) as Made

describe('keys', () => {
  test('are shown whole once, and work', async () => {
    const runtime = testRuntime()
    const response = await ask(runtime, '/admin/keys', {
      method: 'POST',
      body: { name: ' Ada ', models: ['claude-haiku-*'] },
    })
    expect(response.status).toBe(201)
    const made = (await response.json()) as Made
    expect(made).toMatchObject({
      id: expect.stringMatching(/^key_/),
      name: 'Ada',
      disabled: false,
      models: ['claude-haiku-*'],
    })
    expect(made.key).toMatch(/^oc_/)
    const listed = await (await ask(runtime, '/admin/keys')).text()
    expect(listed).toContain(made.id)
    expect(listed).not.toContain(made.key)
    const models = await app.request('/v1/models', { headers: { 'x-api-key': made.key } }, runtime)
    expect(((await models.json()) as { data: unknown[] }).data).toHaveLength(2)
    expect(JSON.stringify(runtime.keys)).not.toContain(made.key)
  })

  test('are listed a page at a time', async () => {
    const runtime = testRuntime()
    for (let time = 0; time < 5; time++) {
      runtime.clock.now++
      await make(runtime)
    }
    const first = (await (await ask(runtime, '/admin/keys?limit=3')).json()) as {
      data: unknown[]
      next: string
    }
    expect(first.data).toHaveLength(3)
    const second = (await (
      await ask(runtime, `/admin/keys?limit=3&cursor=${first.next}`)
    ).json()) as typeof first
    expect(second).toMatchObject({ data: [{}, {}], next: null })
  })

  test('stop when they are disabled or deleted, at once where that was done', async () => {
    const runtime = testRuntime()
    const { id, key } = await make(runtime)
    const use = async () =>
      (await app.request('/v1/models', { headers: { 'x-api-key': key } }, runtime)).status
    const change = (body: object) => ask(runtime, `/admin/keys/${id}`, { method: 'PATCH', body })
    expect(await use()).toBe(200)
    expect(await (await change({ disabled: true })).json()).toMatchObject({ disabled: true, name: 'Ada' })
    expect(await use()).toBe(403)
    await change({ disabled: false, name: 'Bob' })
    expect(await use()).toBe(200)
    expect((await ask(runtime, `/admin/keys/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await use()).toBe(401)
    expect((await ask(runtime, `/admin/keys/${id}`)).status).toBe(404)
    expect((await ask(runtime, `/admin/keys/${id}`, { method: 'DELETE' })).status).toBe(404)
    expect((await change({ name: 'x' })).status).toBe(404)
  })

  test('have limits, each of which is changed alone and taken away with null', async () => {
    const runtime = testRuntime()
    const limitsOf = async (response: Response) => ((await response.json()) as { limits: unknown }).limits
    const unlimited = { requests_per_minute: null, tokens_per_minute: null, concurrent: null }
    const { id } = await make(runtime)
    const change = async (limits: object) =>
      limitsOf(await ask(runtime, `/admin/keys/${id}`, { method: 'PATCH', body: { limits } }))
    expect(await limitsOf(await ask(runtime, `/admin/keys/${id}`))).toEqual(unlimited)
    expect(await change({ requests_per_minute: 60 })).toEqual({ ...unlimited, requests_per_minute: 60 })
    expect(await change({ tokens_per_minute: 1_000_000_000 })).toEqual({
      ...unlimited,
      requests_per_minute: 60,
      tokens_per_minute: 1_000_000_000,
    })
    expect(await change({ requests_per_minute: null, tokens_per_minute: null })).toEqual(unlimited)
    const body = { name: 'Bob', limits: { tokens_per_minute: 5_000 } }
    expect(await limitsOf(await ask(runtime, '/admin/keys', { method: 'POST', body }))).toEqual({
      ...unlimited,
      tokens_per_minute: 5_000,
    })
  })

  test.each([
    ['POST', '/admin/keys', {}, 'name'],
    ['POST', '/admin/keys', { name: '' }, 'name'],
    ['POST', '/admin/keys', { name: 'x', models: 'all' }, 'models'],
    ['POST', '/admin/keys', { name: 'x', limits: { requests_per_minute: 0 } }, 'limits.requests_per_minute'],
    ['POST', '/admin/keys', { name: 'x', limits: { tokens_per_minute: 1.5 } }, 'limits.tokens_per_minute'],
    ['PATCH', '/admin/keys/key_1', { limits: { tokens_per_hour: 5 } }, 'tokens_per_hour'],
    ['POST', '/admin/keys', '{"name":', 'JSON'],
    ['PATCH', '/admin/keys/key_1', { disabled: 'yes' }, 'disabled'],
    ['PATCH', '/admin/keys/key_1', { hash: 'x' }, 'hash'],
    ['GET', '/admin/keys?limit=0', undefined, 'limit'],
    ['GET', '/admin/requests?status=odd', undefined, 'status'],
    ['GET', '/admin/requests?from=yesterday', undefined, 'from'],
    ['GET', '/admin/usage?by=day,secret', undefined, 'by'],
    ['GET', '/admin/usage?by=day;drop', undefined, 'by'],
    ['GET', '/admin/usage?from=2026-02-30', undefined, 'from'],
    ['GET', '/admin/usage?from=2026-11-20&to=2026-11-19', undefined, 'from'],
    ['GET', '/admin/usage?from=2020-01-01&to=2026-11-19', undefined, '1100 days'],
    ['GET', '/admin/usage?by=hour&from=2026-01-01&to=2026-11-19', undefined, '31 days'],
    ['GET', '/admin/usage?cursor=-1', undefined, 'cursor'],
    ['GET', '/admin/usage?session_class=odd', undefined, 'session_class'],
    ['GET', '/admin/usage.csv?limit=0&by=none', undefined, 'by'],
    ['PUT', '/admin/retention', { rows_days: 10, hours_days: null }, 'rows_days'],
    ['PUT', '/admin/retention', { rows_days: 400, hours_days: 300 }, 'hours_days'],
    ['PUT', '/admin/retention', { rows_days: 400 }, 'hours_days'],
  ])('%s %s %j is refused by naming what is wrong', async (method, path, body, named) => {
    const response = await ask(testRuntime(), path, { method, body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining(named) },
      request_id: response.headers.get('request-id'),
    })
  })

  test('come in requests of at most a megabyte', async () => {
    const response = await ask(testRuntime(), '/admin/keys', {
      method: 'POST',
      body: { name: 'x'.repeat(1_000_001) },
    })
    expect(response.status).toBe(413)
  })
})

describe('the admin API', () => {
  const operations = [
    ['GET', '/admin/keys'],
    ['POST', '/admin/keys'],
    ['GET', '/admin/keys/key_1'],
    ['PATCH', '/admin/keys/key_1'],
    ['DELETE', '/admin/keys/key_1'],
    ['GET', '/admin/requests'],
    ['GET', '/admin/requests/req_1'],
    ['GET', '/admin/usage'],
    ['GET', '/admin/usage.csv'],
    ['GET', '/admin/retention'],
    ['PUT', '/admin/retention'],
    ['GET', '/admin/capabilities'],
    ['GET', '/admin/search'],
    ['PUT', '/admin/search'],
    ['PUT', '/admin/capabilities'],
    ['DELETE', '/admin/capabilities'],
    ['GET', '/admin/nowhere'],
  ] as const

  test.each(operations)('%s %s is for the admin only', async (method, path) => {
    const runtime = testRuntime()
    const { secret } = await keyIn(runtime)
    for (const token of [null, 'wrong', `${ADMIN_TOKEN}x`, secret]) {
      const response = await ask(runtime, path, { method, token })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { type: 'authentication_error' } })
    }
  })

  test('takes the token that the first start printed, by its hash', async () => {
    const runtime = testRuntime({ env: { ADMIN_TOKEN: '' } })
    expect((await ask(runtime, '/admin/keys')).status).toBe(401)
    const other = testRuntime({ env: { ADMIN_TOKEN: '' } })
    await other.data.settings.claim(ADMIN_TOKEN_HASH, await hashOf('printed'))
    expect((await ask(other, '/admin/keys', { token: 'printed' })).status).toBe(200)
  })

  test('describes every operation that it answers, with the permission that it needs', async () => {
    const response = await ask(testRuntime(), '/admin/openapi.json', { token: null })
    const { openapi, paths } = (await response.json()) as {
      openapi: string
      paths: Record<string, Record<string, { 'x-permission'?: string }>>
    }
    expect(openapi).toBe('3.1.0')
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
    expect(operations.length).toBeGreaterThan(25)
    for (const operation of operations) expect(operation['x-permission']).toMatch(/^[a-z]+\.(read|change)$/)
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/keys/{id}/rotate', '/users', '/audit/verify']),
    )
  })
})
