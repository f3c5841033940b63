/** The next call of a turn that goes on: what the model said so far, what its tools found, and as much room as is left. */
import type { Edit } from '../../protocol/edits.ts'
import { deepen, member, parse } from '../../protocol/json.ts'
import type { Call } from '../../protocol/messages.ts'
import { messagesOf } from './blocks.ts'
import { edited } from './prepare.ts'

export interface Step {
  /** The model's blocks and the tool results that answer them, as JSON texts. */
  said: readonly string[]
  answers: readonly string[]
  /** Tokens that the turn may still cost. */
  room: number | undefined
}

/** How many tokens an answer may have. */
export function roomIn({ body, outline }: Call): number | undefined {
  const most = member(outline, 'max_tokens')
  const tokens = most && parse<unknown>(body, most)
  return typeof tokens === 'number' ? tokens : undefined
}

export function continuation(call: Call, step: Step): Call {
  return edited(call, [...conversation(call, step), ...free(call), ...bounded(call, step)])
}

function conversation({ outline }: Call, { said, answers }: Step): Edit[] {
  const last = messagesOf(outline).at(-1)
  if (!last) return []
  const text = `,{"role":"assistant","content":[${said.join(',')}]},{"role":"user","content":[${answers.join(',')}]}`
  return [{ start: last.end, end: last.end, text }]
}

/** A tool that had to be used has been: were it to be used again, there would be no end. */
function free({ body, outline }: Call): Edit[] {
  const choice = member(outline, 'tool_choice')
  const said = choice && parse<{ type?: unknown; name?: unknown }>(body, choice)
  if (!choice || (said?.type !== 'tool' && said?.type !== 'any')) return []
  const { name: _, ...rest } = said
  return [{ start: choice.start, end: choice.end, text: JSON.stringify({ ...rest, type: 'auto' }) }]
}

/** `max_tokens` is for the whole turn, but always more than the thinking budget. */
function bounded({ body, outline }: Call, { room }: Step): Edit[] {
  const most = member(outline, 'max_tokens')
  if (!most || room === undefined) return []
  const thinking = member(outline, 'thinking')
  const budget = thinking && member(deepen(body, thinking), 'budget_tokens')
  const least = budget ? Number(parse<unknown>(body, budget)) + 1 : 1
  return [{ start: most.start, end: most.end, text: String(Math.max(room, least)) }]
}
