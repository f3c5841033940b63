/** The doors: who is let in, what stands beside messages, and what every answer carries. */
import { expect } from 'vitest'
import { newSecret } from '../../src/protocol/keys.ts'
import { ask, expectRefusal, hello, MODEL, said } from '../whole/caller.ts'
import { eventually } from '../whole/eventually.ts'
import type { Part } from './stage.ts'

/** Those that speak of one connection, and those that Bedrock's answers have. */
const NOT_OURS = /^(te|trailer|upgrade|proxy-.*|x-amzn-.*|content-encoding)$/

export const doors: Part = (test, stage) => {
  test('an answer carries its request id and type, and no header of upstream or of a proxy', async () => {
    for (const stream of [false, true]) {
      const response = await stage.send(hello({ stream }))
      await response.text()
      expect(response.headers.get('request-id')).toMatch(/^req_[0-9a-f]{32}$/)
      expect(response.headers.get('content-type')).toMatch(
        stream ? /^text\/event-stream/ : /^application\/json/,
      )
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect([...response.headers.keys()].filter((name) => NOT_OURS.test(name))).toEqual([])
    }
  })

  test('nothing that a client sends in headers reaches upstream', async () => {
    const own = { cookie: 'a=b', 'x-forwarded-for': '10.0.0.1', 'anthropic-version': '2023-06-01' }
    expect((await stage.send(hello(), { ...own, 'accept-encoding': 'gzip' })).status).toBe(200)
    const headers = stage.fake.seen[0]?.headers ?? {}
    for (const name of ['x-api-key', ...Object.keys(own)]) expect(headers).not.toHaveProperty(name)
    expect(JSON.stringify(headers)).not.toContain(stage.key.key)
  })

  test('an unknown key, and none, are refused for good', async () => {
    const unknown = await stage.send(hello(), { 'x-api-key': newSecret() })
    await expectRefusal(unknown, 401, 'authentication_error', /not known here/)
    await expectRefusal(await ask(stage.gateway, hello(), {}), 401, 'authentication_error', /No key was sent/)
    expect(stage.fake.seen).toEqual([])
  })

  test('a key that is disabled is refused within what the runtime promises', async (told) => {
    expect((await stage.send(hello())).status).toBe(200)
    const changed = await stage.gateway.admin('PATCH', `/keys/${stage.key.id}`, { disabled: true })
    expect(changed.status).toBe(200)
    const since = performance.now()
    const refused = await eventually(
      async () => {
        const response = await stage.send(hello())
        return response.status === 200 ? undefined : response
      },
      { within: stage.subject.revocation, every: 500 },
    )
    told.note = `after ${Math.round(performance.now() - since)} ms`
    await expectRefusal(refused, 403, 'permission_error', /disabled/)
  })

  test('an unknown path, and an unknown method, are refused in the envelope', async () => {
    const nowhere = await ask(stage.gateway, hello(), {}, { path: '/v1/complete' })
    await expectRefusal(nowhere, 404, 'not_found_error', /nothing at this path/)
    const deleting = await fetch(`${stage.gateway.url}/v1/messages`, { method: 'DELETE' })
    await expectRefusal(deleting, 405, 'invalid_request_error', /takes POST/)
  })

  test('HEAD and GET of /api/hello, /health and /ready are answered to anybody', async () => {
    for (const path of ['/api/hello', '/health', '/ready']) {
      const url = stage.gateway.url + path
      expect((await fetch(url)).status).toBe(200)
      const head = await fetch(url, { method: 'HEAD' })
      expect([head.status, await head.text()]).toEqual([200, ''])
    }
  })

  test('tokens are counted by Bedrock where it counts, and estimated where it does not', async () => {
    const count = async (model: string) => {
      const headers = { 'x-api-key': stage.key.key }
      const path = '/v1/messages/count_tokens'
      const response = await ask(stage.gateway, said('one two three', { model }), headers, { path })
      return { estimated: response.headers.get('x-outcrop-estimated'), ...(await response.json()) }
    }
    expect(await count('claude-sonnet-4-6')).toEqual({ estimated: 'false', input_tokens: expect.any(Number) })
    expect(await count(MODEL)).toEqual({ estimated: 'true', input_tokens: expect.any(Number) })
    expect(stage.fake.seen).toMatchObject([{ operation: 'count' }])
  })

  test('models are listed, and found one by one', async () => {
    const get = async (path: string) => {
      const headers = { 'x-api-key': stage.key.key }
      return (await fetch(`${stage.gateway.url}/v1/models${path}`, { headers })).json()
    }
    expect((await get('?limit=1000')).data).toContainEqual(expect.objectContaining({ id: MODEL }))
    expect(await get(`/${MODEL}`)).toMatchObject({ type: 'model', id: MODEL })
  })
}
