import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { keptCredentials } from '../../src/aws.ts'
import { sendBy } from '../../src/protocol/send.ts'
import { readGoogleAccount } from '../../src/providers/vertex/accounts.ts'
import { googleToken, type TokenLent } from '../../src/providers/vertex/token.ts'
import { fakeGoogle } from '../fakes/google.ts'
import { text, thing } from '../fakes/json.ts'
import { signedWrongly } from '../fakes/messagessigned.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const NOW = Date.UTC(2026, 10, 20, 12)
const now = () => NOW

const SERVICE = {
  type: 'service_account',
  client_email: 'gateway@some-project.iam.gserviceaccount.com',
  private_key: pem,
  private_key_id: 'key-1',
  token_uri: 'https://evil.test/token',
}
const EXTERNAL = {
  type: 'external_account',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://evil.test/token',
}

type Changes = Partial<TokenLent> & { pages?: Record<string, string> }

function asks(account: object, { pages, ...lent }: Changes = {}) {
  const google = fakeGoogle({ publicKey, now, ...(pages ? { pages } : {}) })
  const token = async () =>
    googleToken(readGoogleAccount(JSON.stringify(account)), { fetch: sendBy(google.fetch), now, ...lent })
  return { google, token }
}

describe('an access token', () => {
  test("is had with a service account's signed word, from nowhere but Google", async () => {
    const { google, token } = asks(SERVICE)
    expect(await token()).toEqual({ bearer: 'asserted-1', expiresAt: NOW + 3_600_000 })
    expect(google.asked).toEqual(['https://oauth2.googleapis.com/token'])
  })

  test('is had with what gcloud leaves for a user', async () => {
    const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'refresh' }
    expect(await asks(user).token()).toMatchObject({ bearer: 'refreshed-1' })
  })

  test('is had from the machine', async () => {
    const { fetch, asked } = fakeGoogle({ now })
    expect(await googleToken({ type: 'machine' }, { fetch: sendBy(fetch), now })).toMatchObject({
      bearer: 'machine-1',
    })
    expect(asked).toHaveLength(1)
  })

  test('is had for a token in a file, read anew every time', async () => {
    let reads = 0
    const readFile = async (path: string) => `${path} ${++reads}\n`
    const { google, token } = asks({ ...EXTERNAL, credential_source: { file: '/token' } }, { readFile })
    await token()
    await token()
    expect(google.forms.map((form) => form.get('subject_token'))).toEqual(['/token 1', '/token 2'])
    expect(google.asked).toEqual(Array(2).fill('https://sts.googleapis.com/v1/token'))
  })

  test('is had for a token at a URL, and for a service account in its place', async () => {
    const url = 'http://127.0.0.1:9/token'
    const { google, token } = asks(
      {
        ...EXTERNAL,
        credential_source: {
          url,
          headers: { 'x-asks': 'me' },
          format: { type: 'json', subject_token_field_name: 'value' },
        },
        service_account_impersonation_url:
          'https://evil.test/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken',
      },
      { pages: { [url]: '{"value":"subject"}' } },
    )
    expect(await token()).toEqual({
      bearer: 'impersonated-a@b.iam.gserviceaccount.com:generateAccessToken',
      expiresAt: NOW + 3_600_000,
    })
    expect(google.forms[0]?.get('subject_token')).toBe('subject')
    expect(google.asked.filter((asked) => asked.includes('evil.test'))).toEqual([])
  })

  test('is had for a request that only an AWS principal can have signed', async () => {
    const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not a secret' }
    const aws = { region: 'eu-west-1', credentials: keptCredentials(async () => ({ ...keys }), now) }
    const { google, token } = asks(
      {
        ...EXTERNAL,
        subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
        credential_source: { environment_id: 'aws1' },
      },
      { aws },
    )
    expect(await token()).toMatchObject({ bearer: 'exchanged-1' })
    const subject = thing(JSON.parse(decodeURIComponent(google.forms[0]?.get('subject_token') ?? '')))
    const sent = new Map(
      (subject['headers'] as { key: string; value: string }[]).map(({ key, value }) => [
        key.toLowerCase(),
        value,
      ]),
    )
    expect(sent.get('x-goog-cloud-target-resource')).toBe(EXTERNAL.audience)
    const url = new URL(text(subject['url']))
    expect(url.host).toBe('sts.eu-west-1.amazonaws.com')
    const arrived = {
      method: text(subject['method']),
      target: `${url.pathname}${url.search}`,
      headers: Object.fromEntries(sent),
      bytes: Buffer.alloc(0),
    }
    expect(
      await signedWrongly(arrived, { credentials: keys, region: 'eu-west-1', service: 'sts', now: NOW }),
    ).toBeUndefined()
  })

  test('is asked for once however many wait, kept, and replaced long before it expires, beside whoever asks', async () => {
    const clock = { now: NOW }
    const google = fakeGoogle({ publicKey, now: () => clock.now })
    const lent = { fetch: sendBy(google.fetch), now: () => clock.now }
    const account = readGoogleAccount(JSON.stringify(SERVICE))
    const kept = keptCredentials(() => googleToken(account, lent), lent.now)
    await Promise.all([kept.get(), kept.get(), kept.get()])
    clock.now += 29 * 60_000
    expect(await kept.get()).toMatchObject({ bearer: 'asserted-1' })
    expect(google.asked).toHaveLength(1)
    clock.now += 8 * 60_000
    expect(await kept.get()).toMatchObject({ bearer: 'asserted-1' })
    await expect.poll(() => kept.get()).toMatchObject({ bearer: 'asserted-2' })
    expect(google.asked).toHaveLength(2)
  })
})

describe('no access token', () => {
  const NO_RETRY = { type: 'api_error', retry: false }

  test('is had with a key that Google does not know: the operator is told why, the developer is not', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const key = other.export({ type: 'pkcs8', format: 'pem' }).toString()
    const error = await asks({ ...SERVICE, private_key: key })
      .token()
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      ...NO_RETRY,
      message: expect.stringContaining('Your key is fine'),
      cause: { message: expect.stringContaining('invalid_grant') },
    })
  })

  test.each<[string, object, RegExp]>([
    ['a key that is none', { ...SERVICE, private_key: 'x' }, /private key .* cannot be read/],
    ['a file without a key', { ...SERVICE, private_key: '' }, /private_key is not as it must be/],
    ['a file of another kind', { type: 'impersonated' }, /type is not as it must be/],
    [
      'a program to run',
      { ...EXTERNAL, credential_source: { executable: { command: 'x' } } },
      /credential_source/,
    ],
    [
      'a file where there is no disk',
      { ...EXTERNAL, credential_source: { file: '/t' } },
      /credential_source/,
    ],
    [
      'AWS credentials where there are none',
      { ...EXTERNAL, credential_source: { environment_id: 'aws1' } },
      /credential_source/,
    ],
    [
      'a URL with nothing behind it',
      { ...EXTERNAL, credential_source: { url: 'https://nothing.test/' } },
      /credential_source/,
    ],
  ])('is had with %s', async (_, account, words) => {
    const { token } = asks(account)
    await expect(token()).rejects.toMatchObject({ ...NO_RETRY, message: expect.stringMatching(words) })
  })

  test('is had from JSON that is none, and nothing of it is repeated', () => {
    expect(() => readGoogleAccount('not json but a secret')).toThrow(/not JSON/)
    expect(() => readGoogleAccount('not json but a secret')).not.toThrow(/secret/)
  })

  test('is had while Google is down or out of reach, which may pass', async () => {
    const account = readGoogleAccount(JSON.stringify(SERVICE))
    const down = (async () => new Response('', { status: 503 })) as typeof fetch
    const away = (async () => Promise.reject(new TypeError('fetch failed'))) as typeof fetch
    for (const fetch of [down, away]) {
      const error = await googleToken(account, { fetch: sendBy(fetch), now }).catch(
        (caught: unknown) => caught,
      )
      expect(error).toMatchObject({ type: 'api_error', retry: undefined })
    }
  })
})
