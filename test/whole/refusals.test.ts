/** Callers with no good key, and places that are none: the right status in Anthropic's envelope, no secret in the log. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSecret } from '../../src/protocol/keys.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { ask, expectRefusal, type Headers, hello, MODEL } from './caller.ts'
import { type Gateway, startGateway } from './gateway.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
let deleted: string
let disabled: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake, env: { LOG_LEVEL: 'debug' } })
  key = (await gateway.makeKey()).key
  const gone = await gateway.makeKey()
  deleted = gone.key
  await gateway.admin('DELETE', `/keys/${gone.id}`)
  const off = await gateway.makeKey()
  disabled = off.key
  await gateway.admin('PATCH', `/keys/${off.id}`, { disabled: true })
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

/** In every prompt here; nowhere in a log or a row. */
const CANARY = 'kingfisher-over-the-weir'
const UNKNOWN = newSecret()
const FOREIGN = 'sk-kingfisher-of-another-service'
const withKey = () => ({ 'x-api-key': key, 'x-kingfisher': CANARY })
const prompt = (more = {}) => hello({ messages: [{ role: 'user', content: CANARY }], ...more })

describe('a key that is not in order', () => {
  const UNSENT = /No key was sent/
  const MALFORMED = /not a key of this gateway/
  const STRANGE = /not known here/
  const bad: [string, () => Headers, RegExp][] = [
    ['none', () => ({}), UNSENT],
    ['an empty x-api-key', () => ({ 'x-api-key': '' }), UNSENT],
    ['one of another service', () => ({ 'x-api-key': FOREIGN }), MALFORMED],
    ['one with a typing error', () => ({ 'x-api-key': `${key.slice(0, -1)}_` }), MALFORMED],
    ['one with two letters exchanged', () => bearer(exchanged(key)), MALFORMED],
    ['one too long', () => ({ 'x-api-key': key.repeat(100) }), MALFORMED],
    ['one never made', () => ({ 'x-api-key': UNKNOWN }), STRANGE],
    ['a deleted one', () => bearer(deleted), STRANGE],
    ['two that differ', () => ({ 'x-api-key': key, ...bearer(UNKNOWN) }), /different keys/],
    ['not a bearer', () => ({ authorization: `Basic ${key}` }), /Bearer <key>/],
    ['a bearer of nothing', () => ({ authorization: 'Bearer' }), /Bearer <key>/],
    ['one with words behind it', () => bearer(`${key} x`), /Bearer <key>/],
  ]
  test.each(bad)('%s', (_, headers, sentence) => {
    return expectEverywhere(headers(), 401, 'authentication_error', sentence)
  })

  test('a disabled one', () => {
    return expectEverywhere({ 'x-api-key': disabled }, 403, 'permission_error', /disabled/)
  })

  test('the key is judged before the body is read', async () => {
    await expectRefusal(await ask(gateway, 'not JSON', {}), 401, 'authentication_error', UNSENT)
  })

  test('the same key in both headers is one key', async () => {
    const both = { 'x-api-key': key, authorization: `bearer  ${key}` }
    expect((await ask(gateway, prompt(), both)).status).toBe(200)
  })

  test('the admin API takes nothing but its token', async () => {
    const refused: [Headers, RegExp][] = [
      [{}, /authorization: Bearer/],
      [{ 'x-api-key': gateway.adminToken }, /authorization: Bearer/],
      [bearer(key), /a key for calls to models/],
      [bearer(`${gateway.adminToken}x`), /not an admin token/],
    ]
    for (const [headers, sentence] of refused) {
      for (const path of ['/admin/keys', '/admin/requests', '/admin/keys/key_1', '/admin/nothing']) {
        const answer = await fetch(`${gateway.url}${path}`, { headers })
        await expectRefusal(answer, 401, 'authentication_error', sentence)
      }
    }
    const developer = await ask(gateway, prompt(), { 'x-api-key': gateway.adminToken })
    await expectRefusal(developer, 401, 'authentication_error', MALFORMED)
  })
})

describe('a place that is none', () => {
  const bad: [string, string, number, string, RegExp][] = [
    ['POST', '/v1/v1/messages', 404, 'not_found_error', /ANTHROPIC_BASE_URL must not end in \/v1/],
    ['POST', '/', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/assets/../../package.json', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/assets/%2e%2e%2f%2e%2e%2fpackage.json', 404, 'not_found_error', /nothing at this path/],
    ['POST', '/v1/complete', 404, 'not_found_error', /nothing at this path/],
    ['POST', '/v1/messages/batches', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/v1/messages/%E0%A4%A', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/v1/messages', 405, 'invalid_request_error', /takes POST/],
    ['DELETE', '/v1/messages', 405, 'invalid_request_error', /takes POST/],
    ['GET', '/v1/messages/count_tokens', 405, 'invalid_request_error', /takes POST/],
    ['POST', '/v1/models', 405, 'invalid_request_error', /takes GET/],
    ['POST', '/api/hello', 405, 'invalid_request_error', /takes GET/],
    ['PUT', '/ready', 405, 'invalid_request_error', /takes GET/],
    ['PURGE', '/health', 405, 'invalid_request_error', /takes GET/],
  ]
  test.each(bad)('%s %s gets %i', async (method, path, status, type, sentence) => {
    const answer = await fetch(`${gateway.url}${path}`, { method, headers: withKey() })
    await expectRefusal(answer, status, type, sentence)
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/POST|GET/)
  })

  test('an unknown admin path or method is refused in the envelope too', async () => {
    const nothing = /nothing at this path/
    await expectRefusal(await gateway.admin('GET', '/nothing'), 404, 'not_found_error', nothing)
    expect((await gateway.admin('PUT', '/keys')).status).toBe(404)
  })
})

test.each([
  'gpt-5',
  'claude',
  'claude-opus',
  'claude-opus-5-5-fast',
  'CLAUDE-OPUS-5-5',
  `${MODEL}[2m]`,
  '../x',
  '\u0000',
])('the unknown model %j gets 404 with the names that are known', async (model) => {
  const answer = await ask(gateway, prompt({ model }), withKey())
  await expectRefusal(answer, 404, 'not_found_error', /is not available here.*claude-opus-5-5/)
})

test('a model the key may not use is refused for good, with what it may use', async () => {
  const narrow = await gateway.makeKey({ models: ['claude-haiku-*'] })
  const answer = await ask(gateway, prompt(), { 'x-api-key': narrow.key })
  expect(answer.headers.get('x-should-retry')).toBe('false')
  await expectRefusal(answer, 400, 'policy_blocked', /may not use.*claude-haiku-5-5/)
})

test('after all this: no prompt and no secret in the log or the ledger, and nothing failed', async () => {
  const log = gateway.stdout() + gateway.stderr()
  const welcome = /^This is the first start[\s\S]*?ANTHROPIC_AUTH_TOKEN=\S+$/m
  const rows = JSON.stringify(await gateway.spend())
  const kept = log.replace(welcome, '') + rows
  for (const secret of [CANARY, 'kingfisher', key, deleted, disabled, UNKNOWN, gateway.adminToken]) {
    expect(kept.includes(secret), secret).toBe(false)
  }
  expect(gateway.stderr()).toBe('')
  expect(gateway.isRunning()).toBe(true)
})

test('what Bedrock quotes of a prompt when it refuses it is not logged', async () => {
  const tools = [{ name: 'lookup', input_schema: { type: 'object' } }]
  const body = prompt({ model: 'claude-sonnet-5', tools, tool_choice: { type: 'tool', name: CANARY } })
  const answer = await ask(gateway, body, withKey())
  await expectRefusal(answer, 400, 'invalid_request_error', /tool_choice/)
  await expect.poll(() => gateway.stdout()).toContain(String(answer.headers.get('request-id')))
  expect(gateway.stdout().includes(CANARY)).toBe(false)
})

function bearer(secret: string) {
  return { authorization: `Bearer ${secret}` }
}

/** On every path that takes a key. */
async function expectEverywhere(headers: Headers, status: number, type: string, sentence: RegExp) {
  for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
    await expectRefusal(await ask(gateway, prompt(), headers, { path }), status, type, sentence)
  }
  for (const path of ['/v1/models', `/v1/models/${MODEL}`]) {
    const answer = await fetch(`${gateway.url}${path}`, { headers })
    await expectRefusal(answer, status, type, sentence)
  }
}

function exchanged(secret: string): string {
  const at = [...secret].findIndex((letter, index) => index > 3 && letter !== secret[index + 1])
  return secret.slice(0, at) + secret[at + 1] + secret[at] + secret.slice(at + 2)
}
