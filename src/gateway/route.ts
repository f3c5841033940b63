/** Where a call may go: principal and call in, routes out. */
import { dnsSuffix } from '../aws.ts'
import type { AwsConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { Call } from '../protocol/messages.ts'
import { listedName, MODELS, type Model, modelNamed, modelOfBase, splitProfile } from '../protocol/models.ts'
import type { Route, Upstream } from '../providers/provider.ts'
import type { Runtime } from '../runtime.ts'
import type { Principal } from './authenticate.ts'

/**
 * The routes of a call, best first.
 * @throws GatewayError not_found_error naming what is allowed; policy_blocked for a model this principal may not use;
 *   api_error where the gateway has not been told its AWS region.
 */
export function route(runtime: Runtime, principal: Principal, call: Call): [Route, ...Route[]] {
  const upstream = defaultUpstream(runtime)
  const name = call.model.replace(/\[1m\]$/, '')
  const destination = resolve(name, upstream.region, profilePrefix(upstream.region, runtime.config.aws))
  if (!destination) throw unknownModel(runtime, principal, name)
  if (!mayUse(principal, namesOf(destination, name))) {
    const allowed = allowedNames(runtime, principal)
    throw new GatewayError(
      'policy_blocked',
      `This key may not use the model '${name}'. It may use ${allowed}.`,
    )
  }
  return [{ upstream, ...destination }]
}

/** What a principal may use here, newest first. */
export function modelsFor(runtime: Runtime, principal: Principal): Model[] {
  const { region } = runtime.config.aws
  if (region === undefined) return []
  const here = profilePrefix(region, runtime.config.aws)
  const usable = MODELS.filter(
    (model) => model.profiles.includes(here) && mayUse(principal, [model.name, listedName(model)]),
  )
  return usable.toSorted((a, b) => b.released.localeCompare(a.released))
}

type Destination = Omit<Route, 'upstream'>

/** By exact name, in the ways a model may be named; undefined for any other. */
function resolve(name: string, region: string, here: string): Destination | undefined {
  if (name.startsWith('arn:')) return arnDestination(name, region)
  const profile = splitProfile(name)
  if (profile) return profileDestination(name, profile, here)
  const model = modelNamed(name)
  if (!model?.profiles.includes(here)) return undefined
  return { modelId: `${here}.${model.bedrockId}`, model, regionClass: here }
}

/** A Bedrock id is as good as a name. Leaving the geography takes asking for `global.` by name. */
function profileDestination(
  modelId: string,
  { prefix, baseId }: { prefix: string | undefined; baseId: string },
  here: string,
): Destination | undefined {
  const model = modelOfBase(baseId)
  if (!model) return undefined
  if (prefix === undefined) return { modelId, model, regionClass: 'region' }
  const reachable = (prefix === here || prefix === 'global') && model.profiles.includes(prefix)
  return reachable ? { modelId, model, regionClass: prefix } : undefined
}

const ARN =
  /^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):\d{12}:(inference-profile|application-inference-profile|provisioned-model)\/([A-Za-z0-9.:_-]{1,256})$/

/** Operators write the slash of an ARN in either form. Only a system profile says which model it leads to. */
function arnDestination(name: string, region: string): Destination | undefined {
  const modelId = name.replaceAll(/%2f/gi, '/')
  const [, arnRegion, kind, id = ''] = ARN.exec(modelId) ?? []
  if (arnRegion !== region) return undefined
  const profile = kind === 'inference-profile' ? splitProfile(id) : undefined
  return { modelId, model: profile && modelOfBase(profile.baseId), regionClass: profile?.prefix ?? 'region' }
}

/** Regions of a geography share its inference profiles; elsewhere there is only the global one. */
const GEOGRAPHIES: readonly [RegExp, string][] = [
  [/^us-gov-/, 'us-gov'],
  [/^us-/, 'us'],
  [/^eu-/, 'eu'],
  [/^ap-northeast-[13]$/, 'jp'],
  [/^ap-southeast-[24]$/, 'au'],
  [/^ap-south-[12]$/, 'in'],
]

function profilePrefix(region: string, aws: AwsConfig): string {
  return aws.profile ?? GEOGRAPHIES.find(([regions]) => regions.test(region))?.[1] ?? 'global'
}

/** The upstream that the environment describes. */
function defaultUpstream({ config: { aws }, credentials }: Runtime): Upstream {
  if (aws.region === undefined) {
    throw new GatewayError(
      'api_error',
      'The gateway does not know its AWS region. Set AWS_REGION where it runs.',
      {
        retry: false,
      },
    )
  }
  return {
    id: 'default',
    provider: 'bedrock',
    wire: 'invoke',
    region: aws.region,
    endpoint: endpoint(aws.region, aws),
    credentials,
  }
}

function endpoint(region: string, { runtimeEndpoint, fips, dualStack }: AwsConfig): string {
  if (runtimeEndpoint !== undefined) return runtimeEndpoint.replace(/\/+$/, '')
  const host = fips ? 'bedrock-runtime-fips' : 'bedrock-runtime'
  return `https://${host}.${region}.${dualStack ? 'api.aws' : dnsSuffix(region)}`
}

function namesOf({ model, modelId }: Destination, asked: string): string[] {
  return model ? [model.name, listedName(model), modelId] : [asked, modelId]
}

function mayUse({ models }: Principal, names: readonly string[]): boolean {
  return models === undefined || models.some((pattern) => names.some((name) => matches(pattern, name)))
}

/** `*` stands for any run of characters. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}

function unknownModel(runtime: Runtime, principal: Principal, name: string): GatewayError {
  const model = modelNamed(name)
  const allowed = allowedNames(runtime, principal)
  const elsewhere =
    model?.profiles.includes('global') && runtime.config.aws.region !== undefined
      ? ` It is not offered in this gateway's geography; to leave that, ask for 'global.${model.bedrockId}'.`
      : ''
  return new GatewayError(
    'not_found_error',
    `model: '${name}' is not available here.${elsewhere} Available: ${allowed}.`,
  )
}

function allowedNames(runtime: Runtime, principal: Principal): string {
  return modelsFor(runtime, principal).map(listedName).join(', ') || 'none'
}
