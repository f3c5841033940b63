/**
 * What the fake model is about to say, before it becomes events or JSON.
 */
import type { Thing } from './json.ts'

export type PlanBlock =
  | { type: 'text'; text: string; deltas?: number }
  | { type: 'thinking'; thinking: string }
  | { type: 'redacted_thinking'; thinking: string }
  /** `input` as text is sent byte for byte: numbers keep all their digits. */
  | { type: 'tool_use'; name: string; input: Thing | string; id?: string }

export interface Plan {
  content: readonly PlanBlock[]
  stop_reason?: string
  stop_sequence?: string
  /** Milliseconds before the first byte, and between events. */
  delay?: number
  pace?: number
  /** Replaces what the fake would count. */
  usage?: Thing
}

export interface About {
  modelId: string
  operation: 'invoke' | 'stream' | 'count'
}

export type Brain = (body: Thing, about: About) => Plan
