/**
 * Structured outputs, for models whose Bedrock has none: the schema becomes the input of a tool that must be used, and
 * the tool's input the text that was asked for. https://docs.claude.com/en/docs/build-with-claude/structured-outputs
 */

import { GatewayError } from '../../errors.ts'
import type { Bytes } from '../bytes.ts'
import type { Draft } from '../draft.ts'
import { deepen, member, parse, type Value } from '../json.ts'
import type { StreamEvent } from '../messages.ts'
import { generationOf } from '../models.ts'
import type { Events } from '../streams.ts'
import type { Target } from './target.ts'

const TOOL = 'structured_output'

/** Claude Code takes this sentence, as it stands, to mean: do without. */
const UNSUPPORTED = 'capability_rejected: structured_outputs_unsupported'

/**
 * Asks for a schema in the way this model takes it. True when the answer must be read with `asText`.
 * @throws GatewayError invalid_request_error where no forced tool can stand in for it.
 */
export function structuredOutput(draft: Draft, body: Bytes, root: Value, { model }: Target): boolean {
  const config = member(root, 'output_config')
  const format = askedFormat(root)
  if (!format) return false
  draft.drop(root, 'output_format')
  const generation = generationOf(model)
  if (generation >= 4.5 && generation < 4.7 && member(config, 'format')) return false
  const schema = member(deepen(body, format), 'schema')
  if (!schema || !canForce(body, root, model?.alwaysThinks === true && !model.name.includes('haiku'))) {
    throw new GatewayError('invalid_request_error', UNSUPPORTED)
  }
  draft.drop(config, 'format')
  const text = new TextDecoder().decode(body.subarray(schema.start, schema.end))
  draft.add(root, `"tools":[{"name":"${TOOL}","description":"Answer with this.","input_schema":${text}}]`)
  draft.add(root, `"tool_choice":{"type":"tool","name":"${TOOL}"}`)
  return true
}

/** The format that an answer is asked for in, by its new name or its old one. */
export function askedFormat(root: Value): Value | undefined {
  return member(member(root, 'output_config'), 'format') ?? member(root, 'output_format')
}

/** A tool can be forced where there is no other, and no thinking. */
function canForce(body: Bytes, root: Value, alwaysThinks: boolean): boolean {
  const thinking = member(member(root, 'thinking'), 'type')
  const thinks = thinking !== undefined && parse<unknown>(body, thinking) !== 'disabled'
  return !alwaysThinks && !thinks && !member(root, 'tools') && !member(root, 'tool_choice')
}

/** The forced tool's input, as the text of the answer. */
export function asText(events: Events): Events {
  return {
    next: async () => (await events.next())?.map(textOf),
    cancel: events.cancel,
  }
}

interface WireEvent {
  content_block?: { type?: string }
  delta?: { type?: string; partial_json?: string; stop_reason?: string }
}

function textOf(event: StreamEvent): StreamEvent {
  if (event.type !== 'content_block_start' && !event.type.endsWith('_delta')) return event
  const said = parse<WireEvent>(event.data, { start: 0, end: event.data.length }) ?? {}
  const { content_block: block, delta } = said
  if (block?.type === 'tool_use')
    return written(event, { ...said, content_block: { type: 'text', text: '' } })
  if (delta?.type === 'input_json_delta') {
    return written(event, { ...said, delta: { type: 'text_delta', text: delta.partial_json ?? '' } })
  }
  if (delta?.stop_reason === 'tool_use')
    return written(event, { ...said, delta: { ...delta, stop_reason: 'end_turn' } })
  return event
}

function written({ type }: StreamEvent, value: object): StreamEvent {
  return { type, data: new TextEncoder().encode(JSON.stringify(value)) }
}
