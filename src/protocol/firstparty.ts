/** The names by which Anthropic's own API knows models. https://docs.claude.com/en/docs/about-claude/models/overview */
import type { Offer } from './findings.ts'
import { goesBy, listedName, type Model, modelAs, modelNamed, modelOfBase, splitProfile } from './models.ts'

export interface Named {
  modelId: string
  /** Undefined for a model that came out after this table. */
  model: Model | undefined
}

/** Dates stand behind a dash here, on Google Cloud behind an at sign. */
const PLAIN = /^claude-[a-z0-9.-]{1,100}$/

/**
 * By any of its names. What Anthropic itself would take stays as it was asked for; what is not known is tried, where
 * nobody has said what there is.
 */
export function firstParty(name: string, offers?: readonly Offer[]): Named | undefined {
  const plain = name.replace(/@(?:default|latest)$/, '').replace('@', '-')
  const model = modelNamed(plain) ?? onBedrock(name)
  if (offers) return amongOffers(plain, model, offers)
  if (model) return { modelId: isIts(plain, model) ? plain : listedName(model), model }
  return PLAIN.test(plain) ? { modelId: plain, model: undefined } : undefined
}

function amongOffers(plain: string, known: Model | undefined, offers: readonly Offer[]): Named | undefined {
  for (const { id } of offers) {
    const listed = modelAs(id)
    if (!listed) continue
    const isKnown = known !== undefined && listed.name === known.name && listed.dated === known.dated
    if (!isKnown && !goesBy(listed, plain)) continue
    // Anthropic takes its dated models by their plain names too.
    return { modelId: isIts(plain, listed) ? plain : id, model: listed }
  }
  return undefined
}

function isIts(name: string, model: Model): boolean {
  return name === model.name || name === listedName(model)
}

/** A profile of one geography is not asked for elsewhere. */
function onBedrock(id: string): Model | undefined {
  const { prefix, baseId } = splitProfile(id) ?? {}
  return baseId !== undefined && (prefix ?? 'global') === 'global' ? modelOfBase(baseId) : undefined
}
