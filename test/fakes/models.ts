/**
 * The Claude models this fake serves, what each accepts, and how the model id in a path finds one.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
import { invalid, type Refusal } from './refusal.ts'

export type Thinking = 'enabled' | 'adaptive' | 'disabled'

export interface Model {
  /** Bedrock's id without a profile prefix, and the name an answer carries. */
  id: string
  api: string
  window: number
  maxOutput: number
  /** Profile prefixes that exist, and whether the id alone may be invoked or counted. */
  profiles: readonly string[]
  onDemand: boolean
  countable: boolean
  thinking: readonly Thinking[]
  thinkingDisplay: boolean
  thinkingTokenCount: boolean
  efforts: readonly string[]
  /** `output_config.format` and `strict` tools. */
  structured: boolean
  sampling: boolean
  systemTurns: boolean
  prefill: boolean
  oneHourCache: boolean
  cacheMinimum: number
}

/** What each generation brought; the table below adds what is a model's own. */
export function model(id: string, generation: number, profiles: string, own: Partial<Model> = {}): Model {
  const modern = generation >= 4.6
  return {
    id,
    api: id.replace('anthropic.', '').replace(/-v1(:0)?$/, ''),
    window: modern ? 1_000_000 : 200_000,
    maxOutput: modern ? 128_000 : 64_000,
    profiles: profiles.split(' '),
    onDemand: generation === 4.6,
    countable: generation <= 4.6,
    thinking: thinkingOf(generation),
    thinkingDisplay: generation >= 4.7,
    thinkingTokenCount: generation >= 4.7,
    efforts: effortsOf(generation),
    structured: generation >= 4.5 && generation <= 4.6,
    sampling: generation < 4.7,
    systemTurns: generation >= 4.8,
    prefill: !modern,
    oneHourCache: generation >= 4.5,
    cacheMinimum: 1_024,
    ...own,
  }
}

function thinkingOf(generation: number): readonly Thinking[] {
  if (generation >= 4.7) return ['adaptive', 'disabled']
  return generation >= 4.6 ? ['enabled', 'adaptive', 'disabled'] : ['enabled', 'disabled']
}

function effortsOf(generation: number): readonly string[] {
  if (generation >= 4.7) return ['low', 'medium', 'high', 'xhigh', 'max']
  return generation >= 4.6 ? ['low', 'medium', 'high', 'max'] : []
}

const ALWAYS: Partial<Model> = { thinking: ['adaptive'] }

export const MODELS: readonly Model[] = [
  model('anthropic.claude-fable-5-2', 5.2, 'us global', ALWAYS),
  model('anthropic.claude-fable-5-1', 5.1, 'us global us-gov', ALWAYS),
  model('anthropic.claude-fable-5', 5, 'us eu global', ALWAYS),
  model('anthropic.claude-mythos-5-1', 5.1, 'us', ALWAYS),
  model('anthropic.claude-mythos-5', 5, 'us', ALWAYS),
  model('anthropic.claude-mythos-preview', 5, 'us', { ...ALWAYS, onDemand: true }),
  model('anthropic.claude-opus-5-5', 5.5, 'us eu au jp global us-gov', ALWAYS),
  model('anthropic.claude-opus-5', 5, 'us eu au jp in global us-gov'),
  model('anthropic.claude-opus-4-8', 4.8, 'us eu au jp global'),
  model('anthropic.claude-opus-4-7', 4.7, 'us eu au jp global'),
  model('anthropic.claude-opus-4-6-v1', 4.6, 'us eu au jp apac global'),
  model('anthropic.claude-opus-4-5-20251101-v1:0', 4.5, 'us eu global', {
    efforts: ['low', 'medium', 'high'],
  }),
  model('anthropic.claude-opus-4-1-20250805-v1:0', 4.1, 'us', { maxOutput: 32_000 }),
  model('anthropic.claude-sonnet-5-5', 5.5, 'us eu au jp apac global us-gov', ALWAYS),
  model('anthropic.claude-sonnet-5', 5, 'us eu au jp in global'),
  model('anthropic.claude-sonnet-4-6', 4.6, 'us eu au jp global'),
  model('anthropic.claude-sonnet-4-5-20250929-v1:0', 4.5, 'us eu au jp global us-gov'),
  model('anthropic.claude-sonnet-4-20250514-v1:0', 4, 'us eu apac global'),
  model('anthropic.claude-haiku-5-5', 5.5, 'us eu au jp global us-gov', ALWAYS),
  model('anthropic.claude-haiku-4-5-20251001-v1:0', 4.5, 'us eu au jp in global', { cacheMinimum: 4_096 }),
]

const PREFIX_REGIONS: Readonly<Record<string, RegExp>> = {
  'us-gov': /^us-gov-(east|west)-1$/,
  us: /^(us-(east|west)-[12]|ca-central-1)$/,
  eu: /^eu-(central|north|south|west)-\d$/,
  apac: /^ap-/,
  jp: /^ap-northeast-[13]$/,
  au: /^ap-southeast-[24]$/,
  in: /^ap-south-[12]$/,
  global: /^(?!us-gov-|us-iso|cn-|eusc-)[a-z]{2}-[a-z]+-\d$/,
}

export interface Found {
  model: Model
  /** True when the id was the base id itself: invocable only on demand, countable only so. */
  isBase: boolean
}

const UNKNOWN = 'The provided model identifier is invalid.'

/** `profiles` names the model behind each application inference profile id. */
export function findModel(
  modelId: string,
  region: string,
  profiles: Readonly<Record<string, string>>,
  launched: readonly Model[] = [],
): Found | Refusal {
  if (modelId.startsWith('arn:')) return findArn(modelId, region, profiles, launched)
  const all = [...MODELS, ...launched]
  const base = all.find(({ id }) => id === modelId)
  if (base) return { model: base, isBase: true }
  const [, prefix = '', id = ''] = /^([a-z-]+)\.(anthropic\..+)$/.exec(modelId) ?? []
  const found = all.find((candidate) => candidate.id === id)
  const fits = servesFrom(prefix, region) && found?.profiles.includes(prefix)
  return found && fits ? { model: found, isBase: false } : invalid(UNKNOWN)
}

/** Whether profiles of this prefix can be called from a region. */
export function servesFrom(prefix: string, region: string): boolean {
  return PREFIX_REGIONS[prefix]?.test(region) === true
}

function findArn(
  arn: string,
  region: string,
  profiles: Readonly<Record<string, string>>,
  launched: readonly Model[],
): Found | Refusal {
  const [, partition, service, arnRegion, account = '', rest = ''] = arn
    .split(':', 5)
    .concat(afterFifthColon(arn))
  const cut = rest.indexOf('/')
  const kind = rest.slice(0, cut)
  const name = rest.slice(cut + 1)
  const rightPlace = partition === partitionOf(region) && service === 'bedrock' && arnRegion === region
  if (!rightPlace) return invalid(UNKNOWN)
  if (kind === 'foundation-model' && account === '') return findModel(name, region, profiles, launched)
  if (!/^\d{12}$/.test(account)) return invalid(UNKNOWN)
  if (kind === 'inference-profile') return findModel(name, region, profiles, launched)
  if (kind !== 'application-inference-profile' || !/^[a-z0-9]+$/.test(name)) return invalid(UNKNOWN)
  const behind = MODELS.find(({ id }) => id === (profiles[name] ?? 'anthropic.claude-opus-5-5'))
  return behind ? { model: behind, isBase: false } : invalid(UNKNOWN)
}

function afterFifthColon(arn: string): string {
  return arn.split(':').slice(5).join(':')
}

function partitionOf(region: string): string {
  if (region.startsWith('us-gov-')) return 'aws-us-gov'
  return region.startsWith('eusc-') ? 'aws-eusc' : 'aws'
}
