/** Credentials of a provider from a Worker's secrets: a Worker has no role, no profile and no disk. */

import {
  apiKeyIn,
  type CredentialSource,
  type Credentials,
  credentialTrouble,
  keptCredentials,
} from '../aws.ts'
import type { Config, ProviderName } from '../config.ts'
import type { Means } from '../gateway/routing/keyring.ts'
import type { Send } from '../protocol/send.ts'
import { readGoogleAccount } from '../providers/vertex/accounts.ts'
import { googleToken } from '../providers/vertex/token.ts'

type Variables = Readonly<Record<string, string>>

interface Lent {
  fetch: Send
  now(): number
}

/** Kept by the isolate; what one request is loading, no other waits for. */
export function credentialsFrom(
  variables: Variables,
  config: Config,
  lent: Lent,
): Readonly<Record<ProviderName | 'aws', CredentialSource>> {
  const kept = (load: () => Promise<Credentials>) => keptCredentials(load, lent.now, { shareLoads: false })
  return {
    bedrock: kept(async () => awsCredentials(variables, config)),
    anthropic: kept(async () => ({ bearer: variables['ANTHROPIC_API_KEY'] ?? '' })),
    vertex: kept(() => google(variables, config, lent)),
    aws: kept(async () => signingKeys(variables)),
  }
}

/** A Worker has neither role nor profile nor disk: of its own it has what its secrets say. */
export function meansOf(
  variables: Variables,
  { aws, vertex }: Readonly<Record<ProviderName | 'aws', CredentialSource>>,
): Means {
  const hasKeys = Boolean(variables['AWS_ACCESS_KEY_ID'] && variables['AWS_SECRET_ACCESS_KEY'])
  const hasAccount = Boolean(variables['GOOGLE_APPLICATION_CREDENTIALS']?.trimStart().startsWith('{'))
  return {
    own: { aws: hasKeys ? aws : NO_CHAIN, google: hasAccount ? vertex : NO_ACCOUNT },
    shareLoads: false,
  }
}

const NO_CHAIN = {
  missing:
    'A Worker has no role and no profile of AWS. Give this upstream keys of its own, or set AWS_ACCESS_KEY_ID and ' +
    'AWS_SECRET_ACCESS_KEY as secrets of the Worker.',
}
const NO_ACCOUNT = {
  missing:
    'A Worker has no Google account of its own. Give this upstream the key of a service account, or set ' +
    'GOOGLE_APPLICATION_CREDENTIALS to one, as a secret of the Worker.',
}

const WHERE_TO_PUT_THEM =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK, as secrets of the Worker.'

function awsCredentials(variables: Variables, { aws }: Config): Credentials {
  return apiKeyIn(variables, aws.wire) ?? signingKeys(variables)
}

function signingKeys(variables: Variables): Credentials {
  const accessKeyId = variables['AWS_ACCESS_KEY_ID']
  const secretAccessKey = variables['AWS_SECRET_ACCESS_KEY']
  const sessionToken = variables['AWS_SESSION_TOKEN']
  if (!accessKeyId || !secretAccessKey)
    throw credentialTrouble(`The gateway has no AWS credentials. ${WHERE_TO_PUT_THEM}`)
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}

async function google(variables: Variables, { aws }: Config, lent: Lent): Promise<Credentials> {
  const account = variables['GOOGLE_APPLICATION_CREDENTIALS']
  if (!account?.trimStart().startsWith('{')) {
    throw credentialTrouble(
      'The gateway has no Google credentials. Set GOOGLE_APPLICATION_CREDENTIALS to what is in the JSON file, as a ' +
        'secret of the Worker.',
    )
  }
  const itself = { get: async () => signingKeys(variables), reject() {} }
  const known = aws.region === undefined ? {} : { aws: { region: aws.region, credentials: itself } }
  return googleToken(readGoogleAccount(account), { ...lent, ...known })
}
