/**
 * Credentials of a provider. For AWS, its own chain: environment, profiles, SSO, web identity, container,
 * instance; for Google, see google.ts. Loaded when first needed.
 */

import { readFile } from 'node:fs/promises'
import { apiKeyIn, type Credentials, credentialTrouble, keptCredentials } from '../aws.ts'
import type { Config, ProviderName } from '../config.ts'
import { newKeyring } from '../gateway/routing/keyring.ts'
import type { Send } from '../protocol/send.ts'
import { loadGoogleToken } from './google.ts'

type Environment = Record<string, string | undefined>

interface Lent {
  fetch: Send
  now(): number
}

/** Those of the environment's upstreams, each kept; and what makes those of others. */
export function openCredentials(env: Environment, config: Config, lent: Lent) {
  const kept = (provider: ProviderName | 'aws') =>
    keptCredentials(() => loadCredentials(provider, env, config, lent), lent.now)
  const credentials = {
    bedrock: kept('bedrock'),
    anthropic: kept('anthropic'),
    vertex: kept('vertex'),
    aws: kept('aws'),
  }
  const means = {
    own: { aws: credentials.aws, google: credentials.vertex },
    readFile: (path: string) => readFile(path, 'utf8'),
    shareLoads: true,
  }
  return { credentials, keyring: newKeyring(means, lent.now) }
}

/** Credentials as they are now. */
export function loadCredentials(
  provider: ProviderName | 'aws',
  env: Environment,
  config: Config,
  lent: Lent,
): Promise<Credentials> {
  const awsCredentials = () => loadAwsCredentials({}, 'auto')
  if (provider === 'vertex') return loadGoogleToken(env, { ...lent, awsCredentials })
  if (provider === 'anthropic') return Promise.resolve({ bearer: env['ANTHROPIC_API_KEY'] ?? '' })
  if (provider === 'aws') return awsCredentials()
  return loadAwsCredentials(env, config.aws.wire)
}

const WHERE_TO_PUT_THEM =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK in the environment ' +
  'of the gateway, or give the machine it runs on a role.'

async function loadAwsCredentials(env: Environment, wire: Config['aws']['wire']): Promise<Credentials> {
  const apiKey = apiKeyIn(env, wire)
  if (apiKey) return apiKey
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  const found = await defaultProvider()().catch((cause: unknown) => {
    throw credentialTrouble(`The gateway has no AWS credentials. ${WHERE_TO_PUT_THEM}`, cause)
  })
  return {
    accessKeyId: found.accessKeyId,
    secretAccessKey: found.secretAccessKey,
    ...(found.sessionToken === undefined ? {} : { sessionToken: found.sessionToken }),
    ...(found.expiration === undefined ? {} : { expiresAt: found.expiration.getTime() }),
  }
}

/** The region of the AWS profile in use, where the environment names none. */
export async function profileRegion(): Promise<string | undefined> {
  const { NODE_REGION_CONFIG_FILE_OPTIONS, NODE_REGION_CONFIG_OPTIONS, loadConfig } = await import(
    '@smithy/core/config'
  )
  return loadConfig(NODE_REGION_CONFIG_OPTIONS, NODE_REGION_CONFIG_FILE_OPTIONS)().catch(() => undefined)
}
