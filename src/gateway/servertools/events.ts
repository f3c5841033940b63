/** Events of a stream, read, written and changed in single places. */
import type { Json } from '../../protocol/blocks.ts'
import { splice } from '../../protocol/edits.ts'
import { member, outline } from '../../protocol/json.ts'
import type { StreamEvent } from '../../protocol/messages.ts'
import { object } from './usage.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Every field is optional to the reader. */
export function read({ data }: StreamEvent): Json {
  try {
    return object(JSON.parse(decoder.decode(data)))
  } catch {
    return {}
  }
}

/** An event of ours; `text` is the whole of it, where it is written already. */
export function event(said: Json, text = JSON.stringify(said)): StreamEvent {
  return { type: String(said['type']), data: encoder.encode(text) }
}

/** The same event, for a block that has another place in the answer than in its step. */
export function renumbered(said: StreamEvent, from: unknown, to: number): StreamEvent {
  if (typeof from !== 'number' || from === to) return said
  const value = member(outline(said.data, {}), 'index')
  if (!value) return said
  return { type: said.type, data: splice(said.data, [{ ...value, text: String(to) }]) }
}

/** The last `message_delta` of a turn: that of its last step, with the reason and the usage of the whole. */
export function withEnd(last: StreamEvent | undefined, reason: unknown, usage: Json): StreamEvent {
  if (!last) {
    return event({ type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage })
  }
  const root = outline(last.data, { delta: {} })
  const stopReason = member(member(root, 'delta'), 'stop_reason')
  const figures = member(root, 'usage')
  const at = root.end - 1
  return {
    type: last.type,
    data: splice(last.data, [
      ...(stopReason ? [{ ...stopReason, text: JSON.stringify(reason ?? null) }] : []),
      figures
        ? { ...figures, text: JSON.stringify(usage) }
        : { start: at, end: at, text: `,"usage":${JSON.stringify(usage)}` },
    ]),
  }
}
