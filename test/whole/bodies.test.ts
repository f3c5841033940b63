/** Bodies that are not a request: 400, the field named where there is one, and nothing kept of what they said. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { ask, expectRefusal, hello, MODEL } from './caller.ts'
import { type Gateway, startGateway } from './gateway.ts'

let fake: FakeBedrock
let gateway: Gateway
let key: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  gateway = await startGateway({ bedrock: fake, env: { LOG_LEVEL: 'debug' } })
  key = (await gateway.makeKey()).key
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

/** In every prompt here; nowhere in a log or a row. */
const CANARY = 'kingfisher-over-the-weir'
const withKey = () => ({ 'x-api-key': key })
const prompt = (more = {}) => hello({ messages: [{ role: 'user', content: CANARY }], ...more })

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
  ['a message without a role', prompt({ messages: [{ content: CANARY }] }), /^messages\.0\.role: Field req/],
  ['a role that is a number', prompt({ messages: [{ role: 1, content: CANARY }] }), /^messages\.0\.role: /],
  ['stream a word', prompt({ stream: 'yes' }), /^stream: Input should be a valid boolean/],
  ['betas a word', prompt({ anthropic_beta: 'x' }), /^anthropic_beta: /],
]
test.each(bad)('%s', async (_, body, sentence) => {
  await expectRefusal(await ask(gateway, body, withKey()), 400, 'invalid_request_error', sentence)
  const counting = await ask(gateway, body, withKey(), { path: '/v1/messages/count_tokens' })
  await expectRefusal(counting, 400, 'invalid_request_error', sentence)
})

test.each(['null', '0', '-1', '1.5', '1e400', '"100"', '[1]'])('max_tokens %s', async (value) => {
  const body = JSON.stringify(prompt()).replace(/"max_tokens":\d+/, `"max_tokens":${value}`)
  const answer = await ask(gateway, body, withKey())
  await expectRefusal(answer, 400, 'invalid_request_error', /^max_tokens: /)
})

test('no max_tokens', async () => {
  const answer = await ask(gateway, prompt({ max_tokens: undefined }), withKey())
  await expectRefusal(answer, 400, 'invalid_request_error', /^max_tokens: Field required/)
})

test('what only Bedrock can judge comes back as its own sentence', async () => {
  const unknown = await ask(gateway, prompt({ stop_sequences: [' '] }), withKey())
  await expectRefusal(
    unknown,
    400,
    'invalid_request_error',
    /^stop_sequences: each stop sequence must contain/,
  )
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
    const answer = await gateway.admin('GET', `/requests?${query}`)
    await expectRefusal(answer, 400, 'invalid_request_error', new RegExp(`^${query.split('=')[0]}: `))
  }
})

test.each(['/keys/key_%00', '/keys?cursor=%00', '/requests?model=%00', '/requests?cursor=%00'])(
  'a NUL, which Postgres cannot hold, in GET /admin%s is no failure',
  async (path) => {
    expect((await gateway.admin('GET', path)).status).toBeLessThan(500)
  },
)

test('after all this: nothing of a body in the log or the ledger, and the gateway is well', async () => {
  const kept = gateway.stdout() + gateway.stderr() + JSON.stringify(await gateway.spend())
  expect(kept.includes(CANARY)).toBe(false)
  expect(gateway.stderr()).toBe('')
  expect((await ask(gateway, prompt(), withKey())).status).toBe(200)
})
