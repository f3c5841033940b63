/** What to try next when an upstream objects to something that can be left out, and what that teaches. */
import type { Capability } from '../data/capabilities.ts'
import { GatewayError } from '../errors.ts'
import { betasFor, unproven } from '../protocol/fields/betas.ts'
import { holdsForAll, patternOf } from '../protocol/fields/paths.ts'
import type { Omissions } from '../protocol/fields/target.ts'
import type { Call } from '../protocol/messages.ts'
import type { Objection } from '../protocol/objections.ts'
import type { Route } from '../providers/provider.ts'

export type Lesson = Pick<Capability, 'kind' | 'name' | 'verdict'>

/** A try: what it leaves out, and why. */
export interface Try {
  omit: Omissions
  /** The one suspect that this call may carry, to see whether it is guilty. */
  probe: string | undefined
  /** Betas that the upstream named. */
  named: readonly string[]
  /** Betas left out because it named none. */
  unnamed: readonly string[]
  /** Fields that it named, as patterns. */
  fields: readonly string[]
}

/** The next try after this one failed, if anything more can be left out. */
export function nextTry(error: unknown, call: Call, route: Route, last: Try): Try | undefined {
  const objection = error instanceof GatewayError ? error.objection : undefined
  if (objection?.kind === 'thinking') return withoutThinking(last)
  if (objection?.kind === 'field') return withoutField(objection.path, call, last)
  return objection && withoutBetas(objection, sendable(call, route, last.omit), last)
}

/** What is known once a try has succeeded. */
export function lessonsOf({ omit, probe, named, unnamed, fields }: Try): Lesson[] {
  const beta = (name: string, verdict: Lesson['verdict']): Lesson => ({ kind: 'beta', name, verdict })
  return [
    ...named.map((name) => beta(name, 'refused')),
    // One that made all the difference by itself is guilty; of several, any may be.
    ...unnamed.map((name) => beta(name, unnamed.length === 1 ? 'refused' : 'suspect')),
    ...(probe === undefined || omit.betas.has(probe) ? [] : [beta(probe, 'accepted')]),
    ...fields.filter(holdsForAll).map((name): Lesson => ({ kind: 'field', name, verdict: 'refused' })),
  ]
}

/** The betas of a call, under the names they are sent by. */
export function sendable({ betas }: Call, { upstream, model }: Route, omit: Omissions): string[] {
  return betasFor(betas, { wire: upstream.wire, model, omit })
}

/** First the replayed thoughts go; a model that then misses the one before a tool call must not think at all. */
function withoutThinking(last: Try): Try | undefined {
  const { omit } = last
  if (!omit.thinking) return { ...last, omit: { ...omit, thinking: true } }
  if (omit.fields.has('thinking')) return undefined
  return { ...last, omit: { ...omit, fields: new Set([...omit.fields, 'thinking', 'context_management']) } }
}

function withoutField(path: string, call: Call, last: Try): Try | undefined {
  const { omit } = last
  const pattern = patternOf(call.body, call.outline, path)
  if (pattern === undefined || omit.fields.has(pattern)) return undefined
  return {
    ...last,
    omit: { ...omit, fields: new Set([...omit.fields, pattern]) },
    fields: [...last.fields, pattern],
  }
}

/** Betas that are named go. Where none is: the suspect on trial, else all that are not proven, else all there are. */
function withoutBetas(
  { betas: said }: Objection & { kind: 'betas' },
  sent: readonly string[],
  last: Try,
): Try | undefined {
  const named = said.filter((beta) => sent.includes(beta))
  const onTrial = sent.filter((beta) => beta === last.probe)
  const going = [named, onTrial, unproven(sent), sent].find((betas) => betas.length > 0)
  if (!going) return undefined
  const omit = { ...last.omit, betas: new Set([...last.omit.betas, ...going]) }
  if (named.length > 0) return { ...last, omit, named: [...last.named, ...named] }
  return { ...last, omit, unnamed: [...last.unnamed, ...going] }
}
