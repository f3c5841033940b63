/** AWS's own chain: environment, profiles, SSO, web identity, container, instance. Loaded when first needed. */
import { type AwsCredentials, credentialTrouble } from '../aws.ts'

type Environment = Record<string, string | undefined>

const WHERE_TO_PUT_THEM =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK in the environment ' +
  'of the gateway, or give the machine it runs on a role.'

/** Credentials as they are now; AWS's SDKs, too, prefer a Bedrock API key. */
export async function loadCredentials(env: Environment): Promise<AwsCredentials> {
  const bearer = env['AWS_BEARER_TOKEN_BEDROCK']
  if (bearer) return { bearer }
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
