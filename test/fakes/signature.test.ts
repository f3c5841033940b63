/** The fake lets in what is signed for Bedrock, and says what is wrong with the rest in AWS's words. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from './bedrock.ts'
import { OPUS, type Post, post, said, verdict } from './caller.ts'
import { verify } from './signature.ts'

let fake: FakeBedrock
beforeAll(async () => {
  fake = await startFakeBedrock({ apiKey: 'bedrock-api-key-for-tests' })
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

async function answerTo(options: Post): Promise<string> {
  return verdict(await post(fake, said('hi'), options))
}

function datetime(offset: number): string {
  return new Date(Date.now() + offset).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

test.each([
  ['encoded', 'us.anthropic.claude-haiku-4-5-20251001-v1%3A0'],
  ['raw', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'],
])('a colon in the model id may be %s', async (_, segment) => {
  expect(await answerTo({ segment })).toBe('200')
  expect(fake.seen[0]?.modelId).toBe('us.anthropic.claude-haiku-4-5-20251001-v1:0')
})

test('an ARN is one encoded segment, never encoded twice', async () => {
  const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'
  expect(await answerTo({ modelId: arn })).toBe('200')
  expect(await answerTo({ segment: encodeURIComponent(encodeURIComponent(arn)) })).toBe(
    '400 ValidationException: The provided model identifier is invalid.',
  )
})

test('Bedrock headers may be signed; headers a proxy may touch may not', async () => {
  expect(await answerTo({ headers: { 'x-amzn-bedrock-service-tier': 'default' } })).toBe('200')
  expect(await answerTo({ headers: { 'x-forwarded-proto': 'https', traceparent: '00-1-2-00' } })).toBe(
    '400 ValidationException: Unexpected signed headers: traceparent, x-forwarded-proto',
  )
})

test('a header of the caller that was passed on is refused', async () => {
  const tamper: Post['tamper'] = ({ headers }) => headers.set('x-api-key', 'sk-of-a-developer')
  expect(await answerTo({ tamper })).toBe('400 ValidationException: Unexpected headers: x-api-key')
})

const MISMATCH = /^403 InvalidSignatureException: The request signature we calculated does not match/

test.each<[string, Post, string | RegExp]>([
  [
    'nothing',
    { tamper: ({ headers }) => headers.delete('authorization') },
    /^403 MissingAuthenticationTokenExc/,
  ],
  [
    'half a header',
    { tamper: ({ headers }) => headers.set('authorization', 'AWS4-HMAC-SHA256 x') },
    /^400 Incomplete/,
  ],
  ['another secret', { sign: { secretAccessKey: 'x' } }, MISMATCH],
  [
    'another key',
    { sign: { accessKeyId: 'AKIDOTHER' } },
    /^403 UnrecognizedClientException: The security token/,
  ],
  [
    'another region',
    { sign: { region: 'us-west-2' } },
    /^403 InvalidSignatureException: Credential should be scoped/,
  ],
  ['another service', { sign: { service: 'bedrock-runtime' } }, /correct service: 'bedrock'/],
  ['a session nobody has', { sign: { sessionToken: 'TOKEN' } }, /^403 UnrecognizedClientException/],
  [
    'six minutes ago',
    { sign: { datetime: datetime(-360_000) } },
    /^403 InvalidSignatureException: Signature expired: /,
  ],
  ['six minutes ahead', { sign: { datetime: datetime(360_000) } }, /Signature not yet current/],
  [
    'a path encoded once',
    { sign: { singleEncode: true }, modelId: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' },
    MISMATCH,
  ],
  [
    'a body changed on the way',
    { tamper: (init) => Object.assign(init, { body: `${init.body} ` }) },
    MISMATCH,
  ],
  [
    'a wrong API key',
    { tamper: ({ headers }) => headers.set('authorization', 'Bearer x') },
    /^403 AccessDenied/,
  ],
])('%s is refused', async (_, options, expected) => {
  expect(await answerTo(options)).toMatch(expected)
  expect(fake.seen[0]?.outcome).toBe('refused')
})

test('the API key is let in', async () => {
  const tamper: Post['tamper'] = ({ headers }) =>
    headers.set('authorization', 'Bearer bedrock-api-key-for-tests')
  expect(await answerTo({ tamper })).toBe('200')
})

test('credentials can be rotated, and the old ones expire', async () => {
  const old = { ...fake.credentials }
  Object.assign(fake.credentials, {
    accessKeyId: 'ASIDNEW',
    secretAccessKey: 'new',
    sessionToken: 'TOKEN/with+chars=',
  })
  fake.expired.add(old.accessKeyId)
  expect(await answerTo({})).toBe('200')
  expect(await answerTo({ sign: old })).toMatch(/^403 ExpiredTokenException/)
  expect(await answerTo({ sign: { sessionToken: 'OTHER' } })).toMatch(/^403 UnrecognizedClient/)
  Object.assign(fake.credentials, old)
  delete fake.credentials.sessionToken
})

test.each([
  [OPUS, 'invoke', '2057fc82f1860401ce970508faadfe93261231334eed870e26470a0cc7fd5822'],
  [
    'us.anthropic.claude-haiku-4-5-20251001-v1%3A0',
    'invoke-with-response-stream',
    '7c314d1f1526aa9bdce9d63a0e32f396b5d5b612b34e8dc907f0834a1c1bf91e',
  ],
])('the golden signature for %s fits', async (segment, operation, signature) => {
  const scope = 'AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request'
  const arrived = {
    method: 'POST',
    target: `/model/${segment}/${operation}`,
    headers: {
      host: 'bedrock-runtime.us-east-1.amazonaws.com',
      'x-amz-date': '20261120T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    },
    bytes: Buffer.from('{"a":1}'),
  }
  const expected = {
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    apiKey: undefined,
    expired: new Set<string>(),
    region: 'us-east-1',
    lenient: false,
    now: Date.UTC(2026, 10, 20),
  }
  expect(await verify(arrived, expected)).toBeUndefined()
})
