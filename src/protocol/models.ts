/**
 * The Claude models that Bedrock serves: the names they go by, where, and what each of them takes.
 * State of 2026-11-20; https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */

export interface Model {
  /** The name on the Anthropic API, without a date. */
  name: string
  /** The date of the names that carry one, `YYYYMMDD`. */
  dated?: string
  displayName: string
  /** The day it came out; empty where that is not known. */
  released: string
  /** Bedrock's base id; an inference profile's id is a prefix and a dot before it. */
  bedrockId: string
  /** The prefixes of its inference profiles. */
  profiles: readonly string[]
  generation: Generation
  /** Cannot be told not to think. */
  alwaysThinks: boolean
  /** Takes `output_config.effort`. */
  effort: boolean
}

/**
 * What decides which fields a model takes: 4.0 and 4.1; 4.5 (one-hour cache); 4.6 (adaptive thinking); 4.7 (no
 * sampling parameters, no `enabled` thinking, `display`); 4.8 (system messages inside the conversation); 5.
 */
export type Generation = 4.1 | 4.5 | 4.6 | 4.7 | 4.8 | 5

/** A model that is not known is taken to be of the newest kind. */
export function generationOf(model: Model | undefined): Generation {
  return model?.generation ?? 5
}

const EVERYWHERE = ['us', 'eu', 'au', 'jp', 'global']

export const MODELS: readonly Model[] = [
  model('claude-fable-5-2', 'Claude Fable 5.2', '2026-11-09', 5, ['us', 'global']),
  model('claude-fable-5-1', 'Claude Fable 5.1', '2026-09-01', 5, ['us', 'global', 'us-gov']),
  model('claude-fable-5', 'Claude Fable 5', '2026-06-09', 5, ['us', 'eu', 'global']),
  model('claude-opus-5-5', 'Claude Opus 5.5', '2026-09-22', 5, [...EVERYWHERE, 'us-gov']),
  model('claude-opus-5', 'Claude Opus 5', '2026-07-24', 5, [...EVERYWHERE, 'in', 'us-gov']),
  model('claude-opus-4-8', 'Claude Opus 4.8', '2026-05-28', 4.8, EVERYWHERE),
  model('claude-opus-4-7', 'Claude Opus 4.7', '2026-04-16', 4.7, EVERYWHERE),
  model('claude-opus-4-6', 'Claude Opus 4.6', '2026-02-05', 4.6, ['us', 'eu', 'au', 'global'], {
    suffix: '-v1',
  }),
  model('claude-opus-4-5', 'Claude Opus 4.5', '2025-11-24', 4.5, ['us', 'eu', 'global'], {
    dated: '20251101',
  }),
  model('claude-opus-4-1', 'Claude Opus 4.1', '2025-08-05', 4.1, ['us'], { dated: '20250805' }),
  model('claude-sonnet-5-5', 'Claude Sonnet 5.5', '2026-09-28', 5, [...EVERYWHERE, 'us-gov']),
  model('claude-sonnet-5', 'Claude Sonnet 5', '2026-06-30', 5, [...EVERYWHERE, 'in']),
  model('claude-sonnet-4-6', 'Claude Sonnet 4.6', '2026-02-17', 4.6, EVERYWHERE),
  model('claude-sonnet-4-5', 'Claude Sonnet 4.5', '2025-09-29', 4.5, [...EVERYWHERE, 'us-gov'], {
    dated: '20250929',
  }),
  model('claude-sonnet-4', 'Claude Sonnet 4', '2025-05-14', 4.1, ['us', 'eu', 'apac', 'global'], {
    dated: '20250514',
  }),
  model('claude-haiku-5-5', 'Claude Haiku 5.5', '2026-10-07', 5, [...EVERYWHERE, 'us-gov']),
  model('claude-haiku-4-5', 'Claude Haiku 4.5', '2025-10-15', 4.5, [...EVERYWHERE, 'in'], {
    dated: '20251001',
  }),
]

function model(
  name: string,
  displayName: string,
  released: string,
  generation: Generation,
  profiles: readonly string[],
  id: { dated?: string; suffix?: string } = {},
): Model {
  const alwaysThinks = /-5-5$|-fable-/.test(name)
  const effort = generation >= 4.6 || name === 'claude-opus-4-5'
  const suffix = id.dated ? `-${id.dated}-v1:0` : (id.suffix ?? '')
  const bedrockId = `anthropic.${name}${suffix}`
  const entry = { name, displayName, released, generation, alwaysThinks, effort, profiles, bedrockId }
  return id.dated ? { ...entry, dated: id.dated } : entry
}

/**
 * The model of this exact name. One rule goes beyond exact: a name of ours followed by `-YYYYMMDD` is that model,
 * unless the model is known under another date.
 */
export function modelNamed(name: string): Model | undefined {
  const [, plain = name, date] = /^(.+)-(\d{8})$/.exec(name) ?? []
  const found = MODELS.find((each) => each.name === plain)
  if (date !== undefined && found?.dated !== undefined && found.dated !== date) return undefined
  return found
}

/** The name that `/v1/models` lists it by: the dated one where there is one. */
export function listedName(entry: Model): string {
  return entry.dated ? `${entry.name}-${entry.dated}` : entry.name
}

/** What a route or a row ran, as budgets, prices and caches know it: by the provider's id where that says no model. */
export function nameOfRun({ model, modelId }: { model: Model | undefined; modelId: string }): string {
  return model?.name ?? modelId
}

/** An inference profile's id, or a base id, in two parts. */
export function splitProfile(id: string): { prefix: string | undefined; baseId: string } | undefined {
  const match = /^(?:([a-z]+(?:-[a-z]+)?)\.)?(anthropic\.claude-[a-z0-9.:-]+)$/.exec(id)
  return match?.[2] === undefined ? undefined : { prefix: match[1], baseId: match[2] }
}

/** The model that a provider's own id says it is, in whatever form; undefined where it does not say. */
export function modelBehind(modelId: string): Model | undefined {
  const id = modelId.replace(/^arn:.*:inference-profile\//, '')
  return modelAs(splitProfile(id)?.baseId ?? id.replace('@', '-'))
}

export function modelOfBase(baseId: string): Model | undefined {
  return MODELS.find((each) => each.bedrockId === baseId)
}

/** Whether a model goes by this exact name; where its date is not known, by any. */
export function goesBy({ name, dated }: Model, asked: string): boolean {
  if (!asked.startsWith(name)) return false
  const rest = asked.slice(name.length)
  return rest === '' || (dated === undefined ? /^-\d{8}$/.test(rest) : rest === `-${dated}`)
}

const BASE = /^anthropic\.(claude-[a-z0-9.-]{1,100}?)(?:-(\d{8}))?(?:-v\d{1,3}(?::\d{1,3})?)?$/
const PLAIN = /^(claude-[a-z0-9.-]{1,100}?)(?:-(\d{8}))?$/

/**
 * The model that somebody lists under this id, Bedrock's or Anthropic's: that of the table where it is in there, and else
 * what the id says. Undefined for what is no name of Claude's.
 */
export function modelAs(id: string): Model | undefined {
  const shipped = modelOfBase(id)
  if (shipped) return shipped
  const [, name, dated] = BASE.exec(id) ?? PLAIN.exec(id) ?? []
  if (name === undefined) return undefined
  const bedrockId = id.startsWith('anthropic.') ? id : `anthropic.${id}`
  const known = modelNamed(dated === undefined ? name : `${name}-${dated}`)
  if (known) return id === bedrockId && !isPlain(id, known) ? { ...known, bedrockId } : known
  return unheardOf(name, dated, bedrockId)
}

/** Mantle, too, puts Anthropic's name before its plain ones. */
function isPlain(id: string, { name }: Model): boolean {
  return id === `anthropic.${name}`
}

function unheardOf(name: string, dated: string | undefined, bedrockId: string): Model {
  const generation = generationIn(name)
  const entry = {
    name,
    displayName: spelled(name),
    released: dated?.replace(/^(....)(..)(..)$/, '$1-$2-$3') ?? '',
    bedrockId,
    profiles: [],
    generation,
    alwaysThinks: false,
    effort: generation >= 4.6,
  }
  return dated === undefined ? entry : { ...entry, dated }
}

const GENERATIONS: readonly Generation[] = [5, 4.8, 4.7, 4.6, 4.5]

/** What came out before the table begins takes what the oldest in it does; what has no number is of the newest kind. */
function generationIn(name: string): Generation {
  const [, major, minor = '0'] = /^claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d))?(?!\d)/.exec(name) ?? []
  if (major === undefined) return 5
  const version = Number(`${major}.${minor}`)
  return GENERATIONS.find((each) => version >= each) ?? 4.1
}

/** `claude-opus-6-5` is Claude Opus 6.5. */
function spelled(name: string): string {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return words.join(' ').replaceAll(/(\d) (?=\d)/g, '$1.')
}
