/**
 * A call as one wire and model take it: the edits to make on the client's own bytes, the betas to send, and what was
 * left out. Everything that is not named in these files arrives as it was sent.
 */

import type { Bytes } from '../bytes.ts'
import { type Draft, draft } from '../draft.ts'
import { splice } from '../edits.ts'
import type { Call } from '../messages.ts'
import { generationOf } from '../models.ts'
import { BETA_OF_FIELD, betasFor, plainName, RENAMED } from './betas.ts'
import { cacheBreakpoints } from './cache.ts'
import { dropField } from './paths.ts'
import { attribution, contextEdits, userIds } from './prompt.ts'
import { structuredOutput } from './structure.ts'
import { refusedFields } from './table.ts'
import { isBedrock, type Target } from './target.ts'
import { thinkingMode } from './thinking.ts'
import { impliedBetas, toolChoice, toolVersions } from './tools.ts'
import { systemTurns, withoutThinking } from './turns.ts'

export interface Adapted {
  body: Bytes
  betas: string[]
  /** The answer is a tool's input that must be read as text: see `asText`. */
  structured: boolean
  /** Fields and betas that were asked for and left out, for the answer's header and the metric. */
  removed: string[]
}

/** What a wire says in the body instead of the URL or a header, and the reverse. */
export interface Envelope {
  /** Fields that go. */
  drop: readonly string[]
  /** Members that come, given the betas that are sent. */
  add(betas: readonly string[]): string[]
}

/** Adapts a call to a target. */
export async function adapt(call: Call, target: Target, envelope: Envelope): Promise<Adapted> {
  const { body, outline: root } = call
  const edits = draft()
  const onBedrock = isBedrock(target.wire)
  const asked = onBedrock ? [...call.betas, ...impliedBetas(body, root)] : call.betas
  let betas = betasFor(asked, target)
  const sent = new Set(betas.map(plainName))
  const structured = onBedrock && structuredOutput(edits, body, root, target)
  if (onBedrock) await bedrockFields(edits, call, target, sent)
  if (target.wire === 'vertex') attribution(edits, body, root)
  for (const pattern of target.omit.fields) dropField(edits, body, root, pattern)
  if (target.omit.thinking) withoutThinking(edits, body, root)
  const gone = edits.removed()
  if (gone.length > 0) betas = betas.filter((beta) => !lostItsField(beta, gone))
  for (const field of envelope.drop) edits.drop(root, field)
  for (const each of envelope.add(betas)) edits.add(root, each)
  return {
    body: splice(body, edits.edits(), target.room),
    betas,
    structured,
    removed: removed(edits, call, betas),
  }
}

async function bedrockFields(edits: Draft, call: Call, target: Target, betas: ReadonlySet<string>) {
  const { body, outline: root } = call
  const generation = generationOf(target.model)
  const here = { wire: target.wire, generation, model: target.model, betas }
  for (const pattern of refusedFields(here, root)) {
    if (!target.omit.accepted.has(pattern)) dropField(edits, body, root, pattern)
  }
  cacheBreakpoints(edits, body, root, generation, target.wire)
  thinkingMode(edits, body, root, target)
  systemTurns(edits, body, root, target)
  toolChoice(edits, body, root, target)
  toolVersions(edits, body, root)
  attribution(edits, body, root)
  contextEdits(edits, body, root, target.wire, betas)
  await userIds(edits, body, root, target)
}

function lostItsField(beta: string, gone: readonly string[]): boolean {
  const name = plainName(beta)
  return gone.some((field) => BETA_OF_FIELD[field] === name)
}

function removed(edits: Draft, call: Call, sent: readonly string[]): string[] {
  const known = new Set(sent.map(plainName))
  // Sent under another name is not left out.
  const betas = call.betas.filter((beta) => !known.has(plainName(beta)) && !RENAMED.has(beta))
  return [...edits.removed(), ...betas]
}
