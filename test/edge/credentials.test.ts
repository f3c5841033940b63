import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { credentialsFrom } from '../../src/edge/credentials.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { fakeGoogle } from '../fakes/google.ts'

const now = () => Date.UTC(2026, 10, 20, 12)
const VERTEX = { UPSTREAM: 'vertex', ANTHROPIC_VERTEX_PROJECT_ID: 'some-project' }
const GOOGLE_APPLICATION_CREDENTIALS = JSON.stringify({
  type: 'authorized_user',
  client_id: 'c',
  client_secret: 's',
  refresh_token: 'refresh',
})
const KEYS = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' }

function sourceIn(variables: Record<string, string>) {
  const google = fakeGoogle({ now })
  const config = readConfig(variables)
  const [provider = 'bedrock'] = config.upstreams
  const source = credentialsFrom(variables, config, { fetch: sendBy(google.fetch), now })[provider]
  return { source, asked: google.asked }
}

test.each([
  [KEYS, { accessKeyId: 'AKID', secretAccessKey: 'secret' }],
  [{ ...KEYS, AWS_SESSION_TOKEN: 'session' }, { sessionToken: 'session' }],
  [{ ...KEYS, AWS_BEARER_TOKEN_BEDROCK: 'key-b' }, { bearer: 'key-b' }],
  [{ UPSTREAM: 'anthropic', ANTHROPIC_API_KEY: 'key-a' }, { bearer: 'key-a' }],
  [{ ...VERTEX, GOOGLE_APPLICATION_CREDENTIALS }, { bearer: 'refreshed-1' }],
])('%j gives %j', async (variables, credentials) => {
  expect(await sourceIn(variables).source.get()).toMatchObject(credentials)
})

test.each([
  [
    { AWS_ACCESS_KEY_ID: 'AKID' },
    /Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or .* as secrets of the Worker/,
  ],
  [VERTEX, /Set GOOGLE_APPLICATION_CREDENTIALS .* as a secret of the Worker/],
  [{ ...VERTEX, GOOGLE_APPLICATION_CREDENTIALS: '/a/file' }, /Set GOOGLE_APPLICATION_CREDENTIALS/],
])('%j is not enough, and what is missing is said', async (variables, sentence) => {
  await expect(sourceIn(variables).source.get()).rejects.toMatchObject({
    type: 'api_error',
    message: expect.stringMatching(sentence),
  })
})

test('are kept once they are there; requests that come before each ask for themselves', async () => {
  const { source, asked } = sourceIn({ ...VERTEX, GOOGLE_APPLICATION_CREDENTIALS })
  await Promise.all([source.get(), source.get()])
  expect(asked).toHaveLength(2)
  await source.get()
  expect(asked).toHaveLength(2)
})
