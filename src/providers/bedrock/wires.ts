/**
 * The forms in which AWS takes Messages requests, as data. What differs beyond this is in fields/, by wire.
 *
 * - InvokeModel: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 * - the Messages API on the runtime's host: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html
 * - Mantle: https://docs.claude.com/en/docs/build-with-claude/claude-in-amazon-bedrock
 * - Claude Platform on AWS: https://docs.claude.com/en/docs/build-with-claude/claude-platform-on-aws
 */
import { credentialTrouble, dnsSuffix } from '../../aws.ts'
import type { AwsConfig, Config } from '../../config.ts'
import type { Wire } from '../../protocol/fields/target.ts'
import type { About } from '../../protocol/refusals.ts'
import type { Place } from '../provider.ts'
import { profileFor } from './names.ts'

export type AwsWire = Exclude<Wire, 'anthropic' | 'vertex'>

interface Form extends Omit<About, 'model'> {
  /** What a signature is for. */
  service: string
  path(modelId: string): string
  /** Where tokens are counted, if anywhere. */
  countPath?: string
}

const BEDROCK = { upstream: 'Amazon Bedrock', account: 'AWS account and region' }

export const FORMS: Readonly<Record<AwsWire, Form>> = {
  invoke: {
    ...BEDROCK,
    service: 'bedrock',
    // Encoded once: signing encodes the path again, as AWS does for every service but S3.
    path: (modelId) => `/model/${encodeURIComponent(modelId)}/invoke-with-response-stream`,
  },
  'runtime-messages': { ...BEDROCK, service: 'bedrock', path: () => '/anthropic/v1/messages' },
  mantle: {
    ...BEDROCK,
    service: 'bedrock-mantle',
    path: () => '/anthropic/v1/messages',
    countPath: '/anthropic/v1/messages/count_tokens',
  },
  'claude-platform': {
    upstream: 'Claude Platform on AWS',
    account: 'AWS account and workspace',
    service: 'aws-external-anthropic',
    path: () => '/v1/messages',
    countPath: '/v1/messages/count_tokens',
  },
}

export function formOf(wire: Wire): Form {
  if (wire === 'anthropic' || wire === 'vertex') throw new Error(`Bedrock does not speak ${wire}`)
  return FORMS[wire]
}

/**
 * `auto` is InvokeModel: every model, region, partition and ARN has it, application profiles and FIPS endpoints
 * included, and it is what Claude Code's own Bedrock mode speaks, so that what the client sends has been tried there.
 */
const CHOICES: Readonly<Record<AwsConfig['wire'], AwsWire>> = {
  auto: 'invoke',
  invoke: 'invoke',
  messages: 'runtime-messages',
  mantle: 'mantle',
  platform: 'claude-platform',
}

/** @throws GatewayError api_error where the gateway has not been told its AWS region. */
export function place({ aws }: Config): Place {
  const { region, workspace } = aws
  if (region === undefined) {
    throw credentialTrouble('The gateway does not know its AWS region. Set AWS_REGION where it runs.')
  }
  const wire = aws.fips ? 'invoke' : CHOICES[aws.wire]
  return {
    provider: 'bedrock',
    wire,
    region,
    endpoint: endpoint(wire, region, aws),
    control: controlEndpoint(region, aws),
    ...(workspace === undefined || wire !== 'claude-platform'
      ? {}
      : { headers: { 'anthropic-workspace-id': workspace } }),
    profile: profileFor(region, aws.profile),
  }
}

function endpoint(wire: AwsWire, region: string, aws: AwsConfig): string {
  if (wire === 'mantle') return bare(aws.mantleEndpoint ?? `https://bedrock-mantle.${region}.api.aws`)
  if (wire === 'claude-platform') {
    return bare(aws.platformEndpoint ?? `https://aws-external-anthropic.${region}.api.aws`)
  }
  const host = aws.fips ? 'bedrock-runtime-fips' : 'bedrock-runtime'
  const suffix = aws.dualStack ? 'api.aws' : dnsSuffix(region)
  return bare(aws.runtimeEndpoint ?? `https://${host}.${region}.${suffix}`)
}

function controlEndpoint(region: string, aws: AwsConfig): string {
  const host = aws.fips ? 'bedrock-fips' : 'bedrock'
  const suffix = aws.dualStack ? 'api.aws' : dnsSuffix(region)
  return bare(aws.controlEndpoint ?? `https://${host}.${region}.${suffix}`)
}

function bare(url: string): string {
  return url.replace(/\/+$/, '')
}
