import { AwsV4Signer } from 'aws4fetch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dnsSuffix } from '../src/aws/hosts.ts'
import { type Credentials, keptCredentials, sign } from '../src/aws.ts'
import { GatewayError } from '../src/errors.ts'
import { nodeHashes } from '../src/host/hashes.ts'
import { webHashes } from '../src/protocol/hashes.ts'

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const SESSION = { ...KEYS, sessionToken: 'TOKEN/with+chars=' }
const NOW = Date.UTC(2026, 10, 20)
const BODY = new TextEncoder().encode('{"a":1}')

/** Values on which aws4fetch and AWS's own signer agree. */
const GOLDEN: [string, string, 'GET' | 'POST', string, Credentials, string][] = [
  [
    'bedrock',
    'us-east-1',
    'POST',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-opus-5-5/invoke',
    KEYS,
    '2057fc82f1860401ce970508faadfe93261231334eed870e26470a0cc7fd5822',
  ],
  [
    'bedrock',
    'us-east-1',
    'POST',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke-with-response-stream',
    KEYS,
    '7c314d1f1526aa9bdce9d63a0e32f396b5d5b612b34e8dc907f0834a1c1bf91e',
  ],
  [
    'bedrock',
    'us-west-2',
    'POST',
    'https://bedrock-runtime.us-west-2.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aapplication-inference-profile%2Fabc123/invoke',
    SESSION,
    '7a80815fe705cdba8169cfc8e7493dd58c1a53e8cea058090259421a1bdde9a7',
  ],
  [
    'bedrock-mantle',
    'us-east-1',
    'POST',
    'https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages',
    KEYS,
    '9fe495cd426f263a30125e3b52f33bebb4bf2c9c518cca69781f752223d76474',
  ],
  [
    'bedrock',
    'us-east-1',
    'POST',
    'https://bedrock-runtime.us-east-1.amazonaws.com/anthropic/v1/messages?beta=true',
    KEYS,
    'b78ad878e2ab25efdc457439b3e2b9137280f921c426c5ae854b31bc6490bea9',
  ],
  [
    'bedrock',
    'us-east-1',
    'GET',
    'https://bedrock.us-east-1.amazonaws.com/inference-profiles?type=SYSTEM_DEFINED&maxResults=1000',
    KEYS,
    '04e4a2dd1407c9123ff435abcea87ee0281d6140d2cd642c7e3fedf28b535388',
  ],
]

describe('signing', () => {
  test.each(GOLDEN)('%s in %s: %s %s', async (service, region, method, url, credentials, signature) => {
    const body = method === 'POST' ? { body: BODY } : {}
    const headers = await sign({ method, url, headers: {}, ...body, service, region, now: NOW }, credentials)
    expect(headers['authorization']).toMatch(new RegExp(`Signature=${signature}$`))
  })

  test('any request is signed as aws4fetch signs it, whoever hashes', async () => {
    const name = fc.stringMatching(/^x-[a-z]{1,8}$/)
    const asked = fc.record({
      path: fc.webPath(),
      query: fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string())),
      headers: fc.dictionary(name, fc.stringMatching(/^[!-~]{1,9}( {1,3}[!-~]{1,9})?$/)),
      body: fc.uint8Array(),
    })
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), async ({ path, query, headers, body }, hasSession) => {
        const url = `https://bedrock-runtime.us-east-1.amazonaws.com/${path}?${new URLSearchParams(query)}`
        const request = { method: 'POST', url, headers, body: Uint8Array.from(body) } as const
        const keys = hasSession ? SESSION : KEYS
        const place = { service: 'bedrock', region: 'us-east-1' }
        const datetime = '20261120T000000Z'
        const theirs = await new AwsV4Signer({ ...request, ...keys, ...place, datetime }).sign()
        const derived = new Map()
        for (const hashes of [webHashes, nodeHashes, nodeHashes]) {
          const ours = await sign({ ...request, ...place, now: NOW }, { ...keys, derived }, hashes)
          expect(ours['authorization']).toBe(theirs.headers.get('authorization'))
        }
      }),
    )
  })

  test('a Bedrock API key is sent as it is', async () => {
    const request = {
      method: 'POST',
      url: 'https://x.test/',
      headers: { accept: 'a' },
      service: 's',
      region: 'r',
      now: NOW,
    } as const
    const headers = await sign(request, { bearer: 'bedrock-api-key-x' })
    expect(headers).toEqual({ accept: 'a', authorization: 'Bearer bedrock-api-key-x' })
  })
})

describe('kept credentials', () => {
  const minute = 60_000

  function source(answers: (() => Promise<Credentials>)[], how = {}) {
    const clock = { now: NOW, asked: 0 }
    const next = () => {
      const answer = answers[Math.min(clock.asked++, answers.length - 1)]
      return answer ? answer() : Promise.reject(new Error('none'))
    }
    return { clock, kept: keptCredentials(next, () => clock.now, how) }
  }
  const lasting =
    (minutes: number, name = 'A') =>
    async () => ({ ...KEYS, accessKeyId: name, expiresAt: NOW + minutes * minute })

  test('are asked for once, however many wait', async () => {
    const { clock, kept } = source([lasting(60)])
    await Promise.all(Array.from({ length: 20 }, () => kept.get()))
    await kept.get()
    expect(clock.asked).toBe(1)
  })

  test('are asked for by each who waits, where none may wait for another', async () => {
    const { clock, kept } = source([lasting(60, 'A'), lasting(60, 'B')], { shareLoads: false })
    expect(await Promise.all([kept.get(), kept.get()])).toMatchObject([
      { accessKeyId: 'A' },
      { accessKeyId: 'B' },
    ])
    expect(await kept.get()).toMatchObject({ accessKeyId: 'B' })
    expect(clock.asked).toBe(2)
  })

  test('are renewed from half of their time on, beside a request that does not wait for it', async () => {
    const { clock, kept } = source([lasting(60, 'A'), lasting(120, 'B')], { random: () => 0.5 })
    await kept.get()
    clock.now = NOW + 32 * minute
    expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
    expect(clock.asked).toBe(1)
    clock.now = NOW + 34 * minute
    expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
    expect(clock.asked).toBe(2)
    expect(await kept.get()).toMatchObject({ accessKeyId: 'B' })
  })

  test('are renewed at different times by different processes', async () => {
    const times = await Promise.all(
      [0, 0.5, 0.999].map(async (at) => {
        const { clock, kept } = source([lasting(60)], { random: () => at })
        await kept.get()
        while (clock.asked < 2) {
          clock.now += minute / 2
          await kept.get()
        }
        return (clock.now - NOW) / minute
      }),
    )
    expect(times).toEqual([30, 33, 36])
  })

  test('where nothing outlives a request but what it registers, its renewal is registered', async () => {
    const { clock, kept } = source([lasting(60, 'A'), lasting(120, 'B')], { shareLoads: false })
    await kept.get()
    clock.now = NOW + 40 * minute
    expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
    expect(clock.asked).toBe(1)
    const registered: Promise<unknown>[] = []
    const three = [1, 2, 3].map(() => kept.get((work) => registered.push(work)))
    const old = { accessKeyId: 'A' }
    expect(await Promise.all(three)).toMatchObject([old, old, old])
    expect(registered).toHaveLength(1)
    await Promise.all(registered)
    expect(await kept.get()).toMatchObject({ accessKeyId: 'B' })
  })

  test('are waited for where nothing can be registered, five minutes before their end', async () => {
    const { clock, kept } = source([lasting(60, 'A'), lasting(120, 'B')], { shareLoads: false })
    await kept.get()
    clock.now = NOW + 56 * minute
    expect(await kept.get()).toMatchObject({ accessKeyId: 'B' })
  })

  test('a renewal that fails is tried again after a pause, and told of', async () => {
    const told: number[] = []
    const { clock, kept } = source([lasting(60, 'A'), () => Promise.reject(new Error('down'))], {
      random: () => 0.5,
      failed: (_: unknown, left: number) => told.push(Math.round(left / minute)),
    })
    await kept.get()
    for (clock.now = NOW + 40 * minute; clock.now < NOW + 50 * minute; clock.now += 1_000) {
      expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
    }
    // One a minute.
    expect(clock.asked).toBe(11)
    expect(told.slice(0, 3)).toEqual([20, 19, 18])
  })

  test('go on working while a renewal fails, until they expire', async () => {
    const { clock, kept } = source([
      lasting(60, 'A'),
      () => Promise.reject(new GatewayError('api_error', 'gone')),
    ])
    await kept.get()
    clock.now = NOW + 59 * minute
    expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
    clock.now = NOW + 61 * minute
    await expect(kept.get()).rejects.toThrow('gone')
  })

  test('that AWS refused are not given out again; a late refusal of old ones changes nothing', async () => {
    const { kept } = source([lasting(60, 'A'), lasting(60, 'B')])
    const first = await kept.get()
    kept.reject(first)
    const second = await kept.get()
    expect(second).toMatchObject({ accessKeyId: 'B' })
    kept.reject(first)
    expect(await kept.get()).toBe(second)
  })

  test('a failure is not remembered', async () => {
    const { kept } = source([() => Promise.reject(new Error('not yet')), lasting(60)])
    await expect(kept.get()).rejects.toThrow('not yet')
    expect(await kept.get()).toMatchObject({ accessKeyId: 'A' })
  })
})

test('every partition has its own suffix', () => {
  expect(dnsSuffix('us-gov-west-1')).toBe('amazonaws.com')
  expect(dnsSuffix('eusc-de-east-1')).toBe('amazonaws.eu')
  expect(dnsSuffix('cn-north-1')).toBe('amazonaws.com.cn')
})
