/** Amazon Bedrock and Claude Platform on AWS, as an admin sets them up. */
import { isServiceHost, REGION } from '../../aws/hosts.ts'
import type { Field } from '../../protocol/settings.ts'
import type { Privileges } from '../../protocol/urls.ts'
import { address, elsewhereWrong } from '../elsewhere.ts'
import type { Said, UpstreamKind, Wrong } from '../kind.ts'
import type { Place } from '../provider.ts'
import { ACCESS_FIELDS, accessOf, accessWrong, tagsIn, wishOf } from './access.ts'
import { profilesIn, profilesWrong } from './applications.ts'
import { type AwsWire, CHOICES, LABELS, placeAt, usualControl, usualEndpoint } from './wires.ts'

const AWS_REGION = { hint: 'us-east-1', form: REGION, must: 'be an AWS region such as us-east-1' }

const ACCOUNT: Field = {
  name: 'account',
  label: 'Account, where several upstreams are of one: they share its quotas',
  hint: 'the one of the role',
}

const ENDPOINT: Field = {
  name: 'endpoint',
  label: 'Another address',
  hint: 'https://vpce-….bedrock-runtime.us-east-1.vpce.amazonaws.com',
}

export const bedrockKind = {
  kind: 'bedrock',
  label: 'Amazon Bedrock',
  region: AWS_REGION,
  transports: ['auto', 'invoke', 'messages', 'mantle'],
  fields: [
    ...ACCESS_FIELDS,
    { name: 'profile', label: 'Prefix of inference profiles', hint: 'eu; or global' },
    {
      name: 'profiles',
      label: 'Application inference profiles of models',
      hint: 'claude-opus-5-5=arn:aws:bedrock:…:application-inference-profile/…',
    },
    ACCOUNT,
    ENDPOINT,
    { name: 'controlEndpoint', label: 'Another address of the control plane' },
  ],
  wrong(said, open) {
    const { profile, profiles, controlEndpoint } = said.settings
    const list = profiles && profilesWrong(profiles, said.region)
    if (list) return { field: 'profiles', must: list }
    if (profiles && wireOf(said) === 'mantle')
      return { field: 'profiles', must: 'be left out where the transport is mantle: it knows no ARNs' }
    if (profile !== undefined && !/^[a-z]+(-[a-z]+)?$/.test(profile))
      return { field: 'profile', must: 'be a prefix of profiles such as us or global' }
    if (wishOf(said.settings).fips && wireOf(said) === 'mantle')
      return { field: 'fips', must: 'be left out where the transport is mantle: it has no such endpoints' }
    const must = controlEndpoint && controlMust(said, open)(controlEndpoint)
    if (must) return { field: 'controlEndpoint', must }
    return accessWrong(said, open) ?? endpointWrong(said, open)
  },
  place(said, open) {
    const { region, settings } = said
    const wish = wishOf(settings)
    const wire = wireOf(said)
    return placeAt({
      wire,
      region,
      endpoint: address(settings['endpoint'], usualEndpoint(wire, region, wish), endpointMust(said, open)),
      control: address(settings['controlEndpoint'], usualControl(region, wish), controlMust(said, open)),
      profile: settings['profile'],
      profiles: profilesIn(settings['profiles']),
      account: accountOf(settings),
    })
  },
  tags: tagsIn,
  access: accessOf,
} satisfies UpstreamKind

export const claudePlatformKind = {
  kind: 'claude-platform',
  label: 'Claude Platform on AWS',
  region: AWS_REGION,
  transports: ['auto'],
  fields: [
    { name: 'workspace', label: 'Workspace', required: true, hint: 'wrkspc_…' },
    ...ACCESS_FIELDS.filter(({ name }) => name !== 'fips' && name !== 'dualStack'),
    { ...ENDPOINT, hint: 'https://vpce-….aws-external-anthropic.us-east-1.vpce.amazonaws.com' },
  ],
  wrong(said, open) {
    if (!/^[\w-]{1,128}$/.test(said.settings['workspace'] ?? ''))
      return { field: 'workspace', must: 'be a workspace id such as wrkspc_…' }
    return accessWrong(said, open) ?? endpointWrong(said, open, 'claude-platform')
  },
  place(said, open): Place {
    const wire = 'claude-platform'
    const { region, settings } = said
    const must = endpointMust(said, open, wire)
    return placeAt({
      wire,
      region,
      endpoint: address(settings['endpoint'], usualEndpoint(wire, region, {}), must),
      control: usualControl(region, {}),
      workspace: settings['workspace'],
    })
  },
  tags: tagsIn,
  access: accessOf,
} satisfies UpstreamKind

/** Whose quotas they are: said, or as the role has it. */
function accountOf({ account, roleArn = '' }: Said['settings']): string | undefined {
  return account ?? /^arn:[^:]+:iam::(\d{12}):/.exec(roleArn)?.[1]
}

/** There are FIPS endpoints for InvokeModel alone. */
function wireOf({ transport, settings }: Said): AwsWire {
  if (wishOf(settings).fips) return transport === 'mantle' ? 'mantle' : 'invoke'
  return CHOICES[transport as keyof typeof CHOICES] ?? CHOICES.auto
}

function endpointWrong(said: Said, open: Privileges, wire?: AwsWire): Wrong | undefined {
  const { endpoint } = said.settings
  const must = endpoint && endpointMust(said, open, wire)(endpoint)
  return must ? { field: 'endpoint', must } : undefined
}

function endpointMust(said: Said, open: Privileges, wire = wireOf(said)) {
  return mustBeOf(
    LABELS[wire],
    said,
    open,
    'an address of the service in the same region, or of its endpoint in a VPC',
  )
}

function controlMust(said: Said, open: Privileges) {
  return mustBeOf(
    'bedrock',
    said,
    open,
    'an address of Bedrock in the same region, or of its endpoint in a VPC',
  )
}

function mustBeOf(label: string, { region, settings }: Said, open: Privileges, own: string) {
  const { fips } = wishOf(settings)
  const isOwn = (host: string) => isServiceHost(host, [label], region, { fips })
  return (text: string) => elsewhereWrong(text, isOwn, open, own)
}
