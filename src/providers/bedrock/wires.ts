/**
 * The forms in which AWS takes Messages requests, as data. What differs beyond this is in fields/, by wire.
 *
 * - InvokeModel: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 * - the Messages API on the runtime's host: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html
 * - Mantle: https://docs.claude.com/en/docs/build-with-claude/claude-in-amazon-bedrock
 * - Claude Platform on AWS: https://docs.claude.com/en/docs/build-with-claude/claude-platform-on-aws
 */

import { type HostWish, serviceHost } from '../../aws/hosts.ts'
import { credentialTrouble } from '../../aws.ts'
import type { AwsConfig, Config } from '../../config.ts'
import type { Wire } from '../../protocol/fields/target.ts'
import type { About } from '../../protocol/refusals.ts'
import type { Place } from '../provider.ts'
import { profilesIn } from './applications.ts'
import { profileFor } from './geographies.ts'

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
export const CHOICES: Readonly<Record<AwsConfig['wire'], AwsWire>> = {
  auto: 'invoke',
  invoke: 'invoke',
  messages: 'runtime-messages',
  mantle: 'mantle',
  platform: 'claude-platform',
}

/** @throws GatewayError api_error where the gateway has not been told its AWS region. */
export function place({ aws }: Config): Place {
  const { region, wire, profile, profiles, workspace, fips, dualStack } = aws
  if (region === undefined) {
    throw credentialTrouble('The gateway does not know its AWS region. Set AWS_REGION where it runs.')
  }
  const chosen = fips ? 'invoke' : CHOICES[wire]
  const usual = usualEndpoint(chosen, region, { fips, dualStack })
  return placeAt({
    wire: chosen,
    region,
    endpoint: bare(overrideOf(chosen, aws) ?? usual),
    control: bare(aws.controlEndpoint ?? usualControl(region, { fips, dualStack })),
    workspace,
    profile,
    profiles: chosen === 'invoke' || chosen === 'runtime-messages' ? profilesIn(profiles) : undefined,
  })
}

interface AwsPlace {
  wire: AwsWire
  region: string
  endpoint: string
  control: string
  workspace?: string | undefined
  /** The prefix of inference profiles, where it is not the region's own. */
  profile?: string | undefined
  profiles?: Readonly<Record<string, string>> | undefined
  account?: string | undefined
}

export function placeAt(place: AwsPlace): Place {
  const { wire, region, endpoint, control, workspace, profile, profiles, account } = place
  return {
    provider: 'bedrock',
    wire,
    region,
    endpoint,
    control,
    ...(workspace === undefined || wire !== 'claude-platform'
      ? {}
      : { headers: { 'anthropic-workspace-id': workspace } }),
    profile: profileFor(region, profile),
    ...(profiles ? { profiles } : {}),
    ...(account === undefined ? {} : { account }),
  }
}

/** The first labels of the hosts that speak a wire form. */
export const LABELS: Readonly<Record<AwsWire, string>> = {
  invoke: 'bedrock-runtime',
  'runtime-messages': 'bedrock-runtime',
  mantle: 'bedrock-mantle',
  'claude-platform': 'aws-external-anthropic',
}

export function usualEndpoint(wire: AwsWire, region: string, wish: HostWish): string {
  if (wire === 'mantle' || wire === 'claude-platform') return `https://${LABELS[wire]}.${region}.api.aws`
  return `https://${serviceHost(LABELS[wire], region, wish)}`
}

/** Where inference profiles are looked up. */
export function usualControl(region: string, wish: HostWish): string {
  return `https://${serviceHost('bedrock', region, wish)}`
}

function overrideOf(wire: AwsWire, aws: AwsConfig): string | undefined {
  if (wire === 'mantle') return aws.mantleEndpoint
  return wire === 'claude-platform' ? aws.platformEndpoint : aws.runtimeEndpoint
}

function bare(url: string): string {
  return url.replace(/\/+$/, '')
}
