/**
 * The verdict on a body: the first thing wrong with it, in Bedrock's words, or nothing.
 */
import { betaIsValid } from './betas.ts'
import { bodyShape } from './body.ts'
import { isThing, list, type Thing, text, thing } from './json.ts'
import type { Model, Thinking } from './models.ts'
import { invalid, type Refusal, refusal } from './refusal.ts'
import * as rules from './rules.ts'
import { misfit } from './shape.ts'
import * as turns from './turns.ts'

/** Refusals that people have met, though Claude Code's own Bedrock mode sends these things and expects them to pass. */
export const DISPUTED: readonly rules.Rule[] = [rules.attribution, rules.metadata]

const RULES: readonly rules.Rule[] = [
  rules.outputLimit,
  rules.thinkingFits,
  rules.effort,
  rules.sampling,
  rules.stopSequences,
  rules.toolList,
  rules.breakpoints,
  turns.emptyMessages,
  turns.pairing,
  rules.references,
  turns.images,
  turns.seals,
  turns.prefill,
  rules.window,
]

export interface Judged {
  body: Thing
  refusal?: Refusal
}

export function judge(
  parsed: unknown,
  about: { model: Model; modelId: string; operation: rules.Ask['operation'] },
  more: readonly rules.Rule[],
): Judged {
  if (!isThing(parsed)) return { body: {}, refusal: refusal('ValidationException') }
  const betas = list(parsed['anthropic_beta']).map(text)
  const wrong = flags(parsed, betas, about.model) ?? misfit(bodyShape({ model: about.model, betas }), parsed)
  if (wrong !== undefined) return { body: parsed, refusal: invalid(wrong) }
  const thinking = thing(parsed['thinking'])['type'] as Thinking | undefined
  const ask: rules.Ask = { ...about, body: parsed, betas, thinking }
  for (const rule of [...more, ...RULES]) {
    const sentence = rule(ask)
    if (sentence !== undefined) return { body: parsed, refusal: invalid(sentence) }
  }
  return { body: parsed }
}

function flags(body: Thing, betas: readonly string[], model: Model): string | undefined {
  if (body['anthropic_version'] === undefined) return 'anthropic_version: Field required'
  return betas.every((beta) => betaIsValid(beta, model)) ? undefined : 'invalid beta flag'
}
