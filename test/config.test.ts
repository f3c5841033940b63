import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'

const strong = 'abcdefghijklmnopqrstuvwxyz012345'

describe('configuration', () => {
  test('needs nothing to be set, and takes what is set to nothing as not set', () => {
    for (const env of [
      {},
      {
        PORT: '',
        HOST: '',
        DATABASE_URL: '',
        REDIS_URL: '',
        UPSTASH_REDIS_REST_URL: '',
        ADMIN_TOKEN: '',
        AWS_REGION: '',
        LOG_LEVEL: '',
        SECRET_KEY: '',
      },
    ]) {
      expect(readConfig(env)).toMatchObject({
        host: '127.0.0.1',
        port: 8080,
        drainSeconds: 600,
        mostInFlight: 10_000,
        dataDir: '.outcrop',
        databaseUrl: undefined,
        sharedLimits: undefined,
        adminToken: undefined,
        secretKeys: [],
        aws: { region: undefined, fips: false },
        logLevel: 'info',
        limits: { bodyBytes: 25_000_000, pingAfter: 15_000, idleAfter: 120_000 },
      })
    }
  })

  test.each([
    ['PORT', 'http'],
    ['PORT', '70000'],
    ['PORT', '80.5'],
    ['DRAIN_SECONDS', 'a while'],
    ['DRAIN_SECONDS', '-1'],
    ['SLOW_AFTER_SECONDS', '0'],
    ['MAX_IN_FLIGHT', '0'],
    ['MAX_IN_FLIGHT', 'many'],
    ['PUBLIC_URL', 'gateway.example.com'],
    ['DATABASE_URL', 'mysql://x'],
    ['REDIS_URL', 'http://:secret@localhost'],
    ['REDIS_URL', 'redis://:sec/ret@localhost:port'],
    ['UPSTASH_REDIS_REST_URL', 'redis://localhost'],
    ['UPSTASH_REDIS_REST_TOKEN', 'secret token'],
    ['SECRET_KEY', 'short'],
    ['SECRET_KEY', `${strong},short`],
    ['ADMIN_TOKEN', 'admin'],
    ['ADMIN_TOKEN', 'a'.repeat(64)],
    ['ADMIN_TOKEN', `${strong} with spaces`],
    ['AWS_REGION', 'us-east-1.evil.test/'],
    ['AWS_REGION', 'virginia'],
    ['BEDROCK_PROFILE', 'us.'],
    ['AWS_ENDPOINT_URL_BEDROCK_RUNTIME', 'file:///etc/passwd'],
    ['WEB_SEARCH_FEE', 'five'],
    ['WEB_SEARCH_FEE', '-1'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
  ])('a wrong %s (%j) is named, and its value is not repeated', (name, value) => {
    const read = () => readConfig({ [name]: value })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(new RegExp(`^${name}`))
    if (/SECRET|TOKEN|REDIS/.test(name)) expect(read).not.toThrow(value)
  })

  test('everything that is wrong is named at once', () => {
    expect(() => readConfig({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/PORT.*\n.*LOG_LEVEL/)
  })

  test('a database that replicas share needs a secret that they share', () => {
    expect(() => readConfig({ DATABASE_URL: 'postgres://x' })).toThrow(/^SECRET_KEY/)
    expect(
      readConfig({ DATABASE_URL: 'postgres://x', SECRET_KEY: `${strong}, ${strong}x` }).secretKeys,
    ).toEqual([strong, `${strong}x`])
  })

  test('rate limits are shared in one place: a Redis, or one over HTTP with its token', () => {
    const url = 'https://x.upstash.io'
    expect(readConfig({ REDIS_URL: 'rediss://u:p@redis:6380/2' }).sharedLimits).toEqual({
      kind: 'redis',
      url: 'rediss://u:p@redis:6380/2',
    })
    expect(
      readConfig({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: 'secret' }).sharedLimits,
    ).toEqual({ kind: 'upstash', url, token: 'secret' })
    expect(() => readConfig({ UPSTASH_REDIS_REST_URL: url })).toThrow(/UPSTASH_REDIS_REST_TOKEN/)
    expect(() => readConfig({ UPSTASH_REDIS_REST_TOKEN: 'secret' })).toThrow(/^UPSTASH_REDIS_REST_URL/)
    expect(() =>
      readConfig({
        REDIS_URL: 'redis://redis',
        UPSTASH_REDIS_REST_URL: url,
        UPSTASH_REDIS_REST_TOKEN: 'secret',
      }),
    ).toThrow(/^REDIS_URL and UPSTASH_REDIS_REST_URL/)
  })

  test('services of AWS are where the environment says, each by itself or all together', () => {
    const everywhere = readConfig({
      AWS_ENDPOINT_URL: 'http://localhost:4566',
      AWS_ENDPOINT_URL_SNS: 'http://sns',
    })
    expect(everywhere.aws.endpoints).toEqual({
      sns: 'http://sns',
      events: 'http://localhost:4566',
      email: 'http://localhost:4566',
    })
    const ignored = { AWS_ENDPOINT_URL_SESV2: 'http://ses', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }
    expect(readConfig(ignored).aws.endpoints.email).toBeUndefined()
    expect(() => readConfig({ AWS_ENDPOINT_URL_EVENTBRIDGE: 'events' })).toThrow(
      /^AWS_ENDPOINT_URL_EVENTBRIDGE must be/,
    )
  })
})
