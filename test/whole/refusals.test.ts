/** What bad input gets: the right status in Anthropic's envelope, never a failure, and no secret in the log. */
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
const FOREIGN = 'sk-ant-api03-kingfisher'
const withKey = () => ({ 'x-api-key': key })
const prompt = (more = {}) => hello({ messages: [{ role: 'user', content: CANARY }], ...more })

describe('a key that is not in order', () => {
  const UNSENT = /No key was sent/
  const MALFORMED = /not a key of this gateway/
  const STRANGE = /not known here/
  const bad: [string, () => Headers, number, string, RegExp][] = [
    ['none', () => ({}), 401, 'authentication_error', UNSENT],
    ['an empty x-api-key', () => ({ 'x-api-key': '' }), 401, 'authentication_error', UNSENT],
    ['one of another service', () => ({ 'x-api-key': FOREIGN }), 401, 'authentication_error', MALFORMED],
    [
      'one with a typing error',
      () => ({ 'x-api-key': `${key.slice(0, -1)}_` }),
      401,
      'authentication_error',
      MALFORMED,
    ],
    [
      'one with two letters exchanged',
      () => ({ authorization: `Bearer ${exchanged(key)}` }),
      401,
      'authentication_error',
      MALFORMED,
    ],
    ['one too long', () => ({ 'x-api-key': key.repeat(100) }), 401, 'authentication_error', MALFORMED],
    ['one never made', () => ({ 'x-api-key': UNKNOWN }), 401, 'authentication_error', STRANGE],
    ['a deleted one', () => ({ authorization: `Bearer ${deleted}` }), 401, 'authentication_error', STRANGE],
    ['a disabled one', () => ({ 'x-api-key': disabled }), 403, 'permission_error', /disabled/],
    [
      'two that differ',
      () => ({ 'x-api-key': key, authorization: `Bearer ${UNKNOWN}` }),
      401,
      'authentication_error',
      /different keys/,
    ],
    ['not a bearer', () => ({ authorization: `Basic ${key}` }), 401, 'authentication_error', /Bearer <key>/],
    ['a bearer of nothing', () => ({ authorization: 'Bearer' }), 401, 'authentication_error', /Bearer <key>/],
    [
      'one with words behind it',
      () => ({ authorization: `Bearer ${key} x` }),
      401,
      'authentication_error',
      /Bearer <key>/,
    ],
  ]
  test.each(bad)('%s', async (_, headers, status, type, sentence) => {
    await expectRefusal(await ask(gateway, prompt(), headers()), status, type, sentence)
    const counting = await ask(gateway, prompt(), headers(), { path: '/v1/messages/count_tokens' })
    await expectRefusal(counting, status, type, sentence)
    for (const path of ['/v1/models', `/v1/models/${MODEL}`]) {
      const answer = await fetch(`${gateway.url}${path}`, { headers: headers() })
      await expectRefusal(answer, status, type, sentence)
    }
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
      [{ authorization: `Bearer ${key}` }, /not the admin token/],
      [{ authorization: `Bearer ${gateway.adminToken}x` }, /not the admin token/],
    ]
    for (const [headers, sentence] of refused) {
      for (const path of ['/admin/keys', '/admin/spend', '/admin/keys/key_1', '/admin/nothing']) {
        const answer = await fetch(`${gateway.url}${path}`, { headers })
        await expectRefusal(answer, 401, 'authentication_error', sentence)
      }
    }
    const developer = await ask(gateway, prompt(), { 'x-api-key': gateway.adminToken })
    await expectRefusal(developer, 401, 'authentication_error', MALFORMED)
  })
})

describe('a body that is not a request', () => {
  const NOT_JSON = /not valid JSON \(at byte \d+\)/
  const bad: [string, unknown, RegExp][] = [
    ['empty', '', /body is empty/],
    ['words', CANARY, NOT_JSON],
    ['truncated', JSON.stringify(prompt()).slice(0, -5), NOT_JSON],
    ['with a trailing comma', '{"model":"x",}', NOT_JSON],
    ['with something behind it', `${JSON.stringify(prompt())}x`, NOT_JSON],
    ['a list', [prompt()], /must be a JSON object/],
    ['null', 'null', /must be a JSON object/],
    ['a million brackets', '['.repeat(1_000_000), NOT_JSON],
    ['a million nested objects', '{"a":'.repeat(1_000_000), NOT_JSON],
    ['no model', prompt({ model: undefined }), /^model: Field required/],
    ['model null', prompt({ model: null }), /^model: /],
    ['model a number', prompt({ model: 7 }), /^model: Input should be a valid string/],
    ['model a list', prompt({ model: [MODEL] }), /^model: Input should be a valid string/],
    ['no messages', prompt({ messages: undefined }), /^messages: Field required/],
    ['messages null', prompt({ messages: null }), /^messages: /],
    ['messages text', prompt({ messages: CANARY }), /^messages: Input should be a valid array/],
    ['a message that is text', prompt({ messages: [CANARY] }), /^messages\.0: Input should be a valid dict/],
    [
      'a message without a role',
      prompt({ messages: [{ content: CANARY }] }),
      /^messages\.0\.role: Field req/,
    ],
    ['a role that is a number', prompt({ messages: [{ role: 1, content: CANARY }] }), /^messages\.0\.role: /],
    ['stream a word', prompt({ stream: 'yes' }), /^stream: Input should be a valid boolean/],
    ['betas a word', prompt({ anthropic_beta: 'x' }), /^anthropic_beta: /],
  ]
  test.each(bad)('%s', async (_, body, sentence) => {
    await expectRefusal(await ask(gateway, body, withKey()), 400, 'invalid_request_error', sentence)
    const counting = await ask(gateway, body, withKey(), { path: '/v1/messages/count_tokens' })
    await expectRefusal(counting, 400, 'invalid_request_error', sentence)
  })

  test.each([undefined, null, 0, -1, 1.5, '100', [1], 1e400])('max_tokens %j', async (max_tokens) => {
    const answer = await ask(gateway, prompt({ max_tokens }), withKey())
    await expectRefusal(answer, 400, 'invalid_request_error', /^max_tokens: /)
  })

  test('what only Bedrock can judge comes back as its own sentence', async () => {
    const unknown = await ask(gateway, prompt({ surprise: 1 }), withKey())
    await expectRefusal(unknown, 400, 'invalid_request_error', /^surprise: Extra inputs are not permitted/)
    const none = await ask(gateway, prompt({ messages: [] }), withKey())
    await expectRefusal(none, 400, 'invalid_request_error', /^messages: List should have at least 1 item/)
  })

  test('the admin API names the field', async () => {
    const bodies: [unknown, RegExp][] = [
      [{}, /^name: /],
      [{ name: '' }, /^name: /],
      [{ name: ' ' }, /^name: /],
      [{ name: 'x'.repeat(201) }, /^name: /],
      [{ name: 5 }, /^name: /],
      [{ name: 'x', models: 'all' }, /^models: /],
      [{ name: 'a\u0000b' }, /^name: /],
    ]
    for (const [body, sentence] of bodies) {
      const answer = await gateway.admin('POST', '/keys', body)
      await expectRefusal(answer, 400, 'invalid_request_error', sentence)
    }
    const headers = { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' }
    const words = await fetch(`${gateway.url}/admin/keys`, { method: 'POST', headers, body: CANARY })
    await expectRefusal(words, 400, 'invalid_request_error', /JSON/)
    for (const query of ['limit=0', 'limit=x', 'from=yesterday', 'status=lucky']) {
      const answer = await gateway.admin('GET', `/spend?${query}`)
      await expectRefusal(answer, 400, 'invalid_request_error', new RegExp(`^${query.split('=')[0]}: `))
    }
  })

  test.each(['/keys/key_%00', '/keys?cursor=%00', '/spend?model=%00', '/spend?cursor=%00'])(
    'a NUL, which Postgres cannot hold, in GET /admin%s is no failure',
    async (path) => {
      expect((await gateway.admin('GET', path)).status).toBeLessThan(500)
    },
  )
})

describe('a place that is none', () => {
  const bad: [string, string, number, string, RegExp][] = [
    ['POST', '/v1/v1/messages', 404, 'not_found_error', /ANTHROPIC_BASE_URL must not end in \/v1/],
    ['GET', '/', 404, 'not_found_error', /nothing at this path/],
    ['POST', '/v1/complete', 404, 'not_found_error', /nothing at this path/],
    ['POST', '/v1/messages/batches', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/v1/messages/%E0%A4%A', 404, 'not_found_error', /nothing at this path/],
    ['GET', '/v1/messages', 405, 'invalid_request_error', /takes POST/],
    ['DELETE', '/v1/messages', 405, 'invalid_request_error', /takes POST/],
    ['GET', '/v1/messages/count_tokens', 405, 'invalid_request_error', /takes POST/],
    ['POST', '/v1/models', 405, 'invalid_request_error', /takes GET/],
    ['POST', '/v1/models/x', 405, 'invalid_request_error', /takes GET/],
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
    await expectRefusal(
      await gateway.admin('GET', '/nothing'),
      404,
      'not_found_error',
      /nothing at this path/,
    )
    const answer = await gateway.admin('PUT', '/keys')
    await expectRefusal(answer, 405, 'invalid_request_error', /PUT is not answered/)
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

test('what Bedrock quotes of a prompt when it refuses it is not logged', async () => {
  const body = prompt({ tools: [tool('lookup')], tool_choice: { type: 'tool', name: CANARY } })
  const answer = await ask(gateway, body, withKey())
  await expectRefusal(answer, 400, 'invalid_request_error', /tool_choice/)
  await expect.poll(() => gateway.stdout()).toContain(answer.headers.get('request-id'))
  expect(gateway.stdout()).not.toContain(CANARY)
})

test('after all this: no prompt and no secret in the log or the ledger, and nothing failed', async () => {
  const log = gateway.stdout() + gateway.stderr()
  const welcome = /^This is the first start[^]*?ANTHROPIC_AUTH_TOKEN=\S+$/m
  const rows = JSON.stringify(await gateway.spend())
  const kept = log.replace(welcome, '').replaceAll(/^.*"cause":"ValidationException.*$/gm, '') + rows
  for (const secret of [CANARY, 'kingfisher', key, deleted, disabled, UNKNOWN, gateway.adminToken]) {
    expect(kept.includes(secret), secret).toBe(false)
  }
  expect(gateway.stderr()).toBe('')
  expect(gateway.isRunning()).toBe(true)
})

function tool(name: string) {
  return { name, input_schema: { type: 'object' } }
}

function exchanged(secret: string): string {
  const at = [...secret].findIndex((letter, index) => index > 3 && letter !== secret[index + 1])
  return secret.slice(0, at) + secret[at + 1] + secret[at] + secret.slice(at + 2)
}
