import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { providerNamed } from '../../src/providers/index.ts'
import { testRuntime } from '../runtime.ts'

type Environment = Record<string, string>

function placeIn(env: Environment) {
  const config = readConfig({ AWS_REGION: 'us-east-1', ...env })
  return providerNamed(config.upstreams[0] ?? '').place(config)
}

function found(name: string, env: Environment) {
  const upstream = { id: 'default', ...placeIn(env), credentials: testRuntime().credentials.bedrock }
  return providerNamed(upstream.provider).find(name, upstream)
}

const MESSAGES = { BEDROCK_WIRE: 'messages' }
const MANTLE = { BEDROCK_WIRE: 'mantle' }
const PLATFORM = { BEDROCK_WIRE: 'platform', ANTHROPIC_AWS_WORKSPACE_ID: 'wrkspc_1' }
const ANTHROPIC = { UPSTREAM: 'anthropic', ANTHROPIC_API_KEY: 'not-a-secret' }
const VERTEX = { UPSTREAM: 'vertex', ANTHROPIC_VERTEX_PROJECT_ID: 'some-project' }

describe('an upstream', () => {
  test.each<[Environment, string, string]>([
    [{}, 'invoke', 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    [{ BEDROCK_WIRE: 'invoke' }, 'invoke', 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    [{ AWS_USE_FIPS_ENDPOINT: 'true' }, 'invoke', 'https://bedrock-runtime-fips.us-east-1.amazonaws.com'],
    [
      { ...MESSAGES, AWS_USE_FIPS_ENDPOINT: '1' },
      'invoke',
      'https://bedrock-runtime-fips.us-east-1.amazonaws.com',
    ],
    [MESSAGES, 'runtime-messages', 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    [
      { ...MESSAGES, AWS_USE_DUALSTACK_ENDPOINT: 'true' },
      'runtime-messages',
      'https://bedrock-runtime.us-east-1.api.aws',
    ],
    [{ ...MESSAGES, AWS_ENDPOINT_URL: 'https://vpce.test/' }, 'runtime-messages', 'https://vpce.test'],
    [MANTLE, 'mantle', 'https://bedrock-mantle.us-east-1.api.aws'],
    [{ ...MANTLE, AWS_ENDPOINT_URL_BEDROCK_MANTLE: 'https://m.test' }, 'mantle', 'https://m.test'],
    [
      {
        ...MANTLE,
        AWS_ENDPOINT_URL_BEDROCK_MANTLE: 'https://m.test',
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      },
      'mantle',
      'https://bedrock-mantle.us-east-1.api.aws',
    ],
    [PLATFORM, 'claude-platform', 'https://aws-external-anthropic.us-east-1.api.aws'],
    [ANTHROPIC, 'anthropic', 'https://api.anthropic.com'],
    [
      VERTEX,
      'vertex',
      'https://aiplatform.googleapis.com/v1/projects/some-project/locations/global/publishers/anthropic/models',
    ],
    [
      { ...VERTEX, CLOUD_ML_REGION: 'eu' },
      'vertex',
      'https://aiplatform.eu.rep.googleapis.com/v1/projects/some-project/locations/eu/publishers/anthropic/models',
    ],
    [
      { ...VERTEX, CLOUD_ML_REGION: 'us-east5' },
      'vertex',
      'https://us-east5-aiplatform.googleapis.com/v1/projects/some-project/locations/us-east5/publishers/anthropic/models',
    ],
  ])('%j speaks %s at %s', (env, wire, endpoint) => {
    expect(placeIn(env)).toMatchObject({ wire, endpoint })
  })

  test('of Claude Platform says its workspace with every request', () => {
    expect(placeIn(PLATFORM).headers).toEqual({ 'anthropic-workspace-id': 'wrkspc_1' })
    expect(placeIn({ ANTHROPIC_AWS_WORKSPACE_ID: 'wrkspc_1' }).headers).toBeUndefined()
  })

  test.each<[Environment, RegExp]>([
    [{ BEDROCK_WIRE: 'platform' }, /^ANTHROPIC_AWS_WORKSPACE_ID must be set/],
    [{ ...MANTLE, AWS_USE_FIPS_ENDPOINT: 'true' }, /^BEDROCK_WIRE must be auto or invoke/],
    [{ ...PLATFORM, AWS_USE_FIPS_ENDPOINT: 'true' }, /^BEDROCK_WIRE must be auto or invoke/],
    [{ BEDROCK_WIRE: 'fast' }, /^BEDROCK_WIRE/],
    [{ UPSTREAM: 'elsewhere' }, /^UPSTREAM/],
    [{ UPSTREAM: 'anthropic' }, /^ANTHROPIC_API_KEY must be set/],
    [{ UPSTREAM: 'anthropic', ANTHROPIC_API_KEY: 'two\nlines' }, /^ANTHROPIC_API_KEY must be/],
    [{ UPSTREAM: 'vertex' }, /^ANTHROPIC_VERTEX_PROJECT_ID must be set/],
    [{ ...VERTEX, ANTHROPIC_VERTEX_PROJECT_ID: 'a/../b' }, /^ANTHROPIC_VERTEX_PROJECT_ID must be/],
    [{ ...VERTEX, CLOUD_ML_REGION: 'evil.test/' }, /^CLOUD_ML_REGION must be/],
    [{ ANTHROPIC_UPSTREAM_URL: 'file:///etc/passwd' }, /^ANTHROPIC_UPSTREAM_URL must be/],
  ])('%j is refused at the start, by the name of the variable', (env, words) => {
    expect(() => readConfig(env)).toThrow(ConfigError)
    expect(() => readConfig(env)).toThrow(words)
  })
})

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123'

describe('a name leads', () => {
  test.each<[Environment, string, string, string, string]>([
    [MESSAGES, 'claude-opus-5-5', 'us.anthropic.claude-opus-5-5', 'runtime-messages', 'us'],
    [MESSAGES, ARN, ARN, 'invoke', 'region'],
    [MESSAGES, 'anthropic.claude-opus-4-6-v1', 'anthropic.claude-opus-4-6-v1', 'invoke', 'region'],
    [MANTLE, 'claude-opus-4-6', 'anthropic.claude-opus-4-6', 'mantle', 'region'],
    [
      { ...MANTLE, AWS_REGION: 'us-gov-west-1' },
      'claude-opus-5-5',
      'anthropic.claude-opus-5-5',
      'mantle',
      'us-gov',
    ],
    [MANTLE, 'global.anthropic.claude-opus-5', 'anthropic.claude-opus-5', 'mantle', 'region'],
    [PLATFORM, 'claude-haiku-4-5', 'claude-haiku-4-5', 'claude-platform', 'global'],
    [ANTHROPIC, 'claude-quartz-7', 'claude-quartz-7', 'anthropic', 'global'],
    [ANTHROPIC, 'global.anthropic.claude-opus-5-5', 'claude-opus-5-5', 'anthropic', 'global'],
    [VERTEX, 'claude-opus-4-1', 'claude-opus-4-1@20250805', 'vertex', 'global'],
    [VERTEX, 'claude-haiku-4-5@default', 'claude-haiku-4-5@20251001', 'vertex', 'global'],
    [VERTEX, 'claude-quartz-7@20270101', 'claude-quartz-7@20270101', 'vertex', 'global'],
    [{ ...VERTEX, CLOUD_ML_REGION: 'eu' }, 'claude-opus-5-5', 'claude-opus-5-5', 'vertex', 'region'],
  ])('with %j, from %s to %s by %s, at the price of %s', (env, name, modelId, wire, regionClass) => {
    expect(found(name, env)).toMatchObject({ modelId, upstream: { wire }, regionClass })
  })

  test.each<[Environment, string]>([
    [MESSAGES, 'eu.anthropic.claude-opus-5-5'],
    [MANTLE, 'eu.anthropic.claude-opus-5-5'],
    [MANTLE, 'claude-quartz-7'],
    [PLATFORM, 'us.anthropic.claude-opus-5-5'],
    [ANTHROPIC, 'gpt-9'],
    [ANTHROPIC, 'claude-x/../../v1/files'],
    [ANTHROPIC, 'eu.anthropic.claude-opus-5-5'],
    [VERTEX, 'claude-x:rawPredict?'],
    [VERTEX, 'claude-x@a@b'],
    [VERTEX, ARN],
  ])('with %j, from %s to nowhere', (env, name) => {
    expect(found(name, env)).toBeUndefined()
  })

  test.each([MANTLE, PLATFORM])('with %j, from an ARN to a sentence', (env) => {
    expect(() => found(ARN, env)).toThrow(/ARNs cannot be asked for here/)
  })
})
