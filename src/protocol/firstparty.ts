/** The names by which Anthropic's own API knows models. https://docs.claude.com/en/docs/about-claude/models/overview */
import { listedName, type Model, modelNamed, modelOfBase, splitProfile } from './models.ts'

export interface Named {
  modelId: string
  /** Undefined for a model that came out after this table. */
  model: Model | undefined
}

/** Dates stand behind a dash here, on Google Cloud behind an at sign. */
const PLAIN = /^claude-[a-z0-9.-]{1,100}$/

/** By any of its names: what Anthropic itself would take stays as it was asked for, and what is not known is tried. */
export function firstParty(name: string): Named | undefined {
  const plain = name.replace(/@(?:default|latest)$/, '').replace('@', '-')
  const model = modelNamed(plain) ?? onBedrock(name)
  if (model) return { modelId: isIts(plain, model) ? plain : listedName(model), model }
  return PLAIN.test(plain) ? { modelId: plain, model: undefined } : undefined
}

function isIts(name: string, model: Model): boolean {
  return name === model.name || name === listedName(model)
}

/** A profile of one geography is not asked for elsewhere. */
function onBedrock(id: string): Model | undefined {
  const { prefix, baseId } = splitProfile(id) ?? {}
  return baseId !== undefined && (prefix ?? 'global') === 'global' ? modelOfBase(baseId) : undefined
}
