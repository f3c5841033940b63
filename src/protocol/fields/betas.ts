/**
 * Which betas go where. A wire refuses the whole request for one it does not know, and what each knows changes by the
 * week: the table says only what need not be tried. Nothing is sent that was not asked for.
 */
import { generationOf } from '../models.ts'
import { REFUSED_FIELDS } from './table.ts'
import { isBedrock, type Target, type Wire } from './target.ts'

/** What the clouds call a beta of the Anthropic API. */
export const RENAMED: ReadonlyMap<string, string> = new Map([
  ['advanced-tool-use-2025-11-20', 'tool-search-tool-2025-10-19'],
])

/** For Anthropic's own machinery, or for features that no cloud has: sent nowhere else. Names without their dates. */
const ANTHROPICS_OWN = [
  'advisor-tool',
  'cache-diagnosis',
  'claude-code-side-query',
  'code-execution',
  'fallback-credit',
  'fast-mode',
  'files-api',
  'mcp-client',
  'mcp-servers',
  'message-batches',
  'message-threads',
  'oauth',
  'per-turn-control',
  'prompt-caching-scope',
  'redact-thinking',
  'server-side-fallback',
  'skills',
  'web-fetch',
]

/** On top of those, by wire: what it refuses, or what does nothing there. */
const LEFT_OUT: Readonly<Record<Wire, readonly string[]>> = {
  invoke: [
    'claude-code',
    'extended-cache-ttl',
    'mid-conversation-system',
    'structured-outputs',
    'token-counting',
    'web-search',
  ],
  'runtime-messages': ['web-search', 'token-counting'],
  mantle: ['web-search', 'token-counting'],
  'claude-platform': [],
  anthropic: [],
  vertex: ['claude-code', 'effort', 'fine-grained-tool-streaming', 'structured-outputs'],
}

/** Both together, by wire. */
const NOT_SENT: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(LEFT_OUT).map(([wire, betas]) => [wire, new Set([...ANTHROPICS_OWN, ...betas])]),
)

/** What InvokeModel is known to take: Claude Code's own Bedrock mode sends it there, or others have measured it. */
const PROVEN_ON_INVOKE: ReadonlySet<string> = new Set([
  'afk-mode-2026-01-31',
  'compact-2026-01-12',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'dangerous-tool-use-2026-09-03',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'thinking-binding-controls-2026-08-01',
  'thinking-display-updates-2026-08-18',
  'thinking-token-count-2026-05-13',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
])

/** A beta that means nothing once its field is gone, and the field that means nothing without it. */
export const BETA_OF_FIELD: Readonly<Record<string, string>> = {
  context_management: 'context-management',
  safeguards: 'dangerous-tool-use',
  'output_config.effort': 'effort',
  'output_config.format': 'structured-outputs',
  'output_config.task_budget': 'task-budgets',
  'thinking.block_binding': 'thinking-binding-controls',
  'tools.*.defer_loading': 'tool-search-tool',
  'tools.*.input_examples': 'tool-examples',
}

/** A name that stands in one of our tables, not only in a request: a field's pattern, or a beta's without its date. */
export function isOurs(name: string): boolean {
  const plain = plainName(name)
  const tables = [ANTHROPICS_OWN, ...Object.values(LEFT_OUT), Object.values(BETA_OF_FIELD)]
  const isField = REFUSED_FIELDS.some(([pattern]) => pattern === name) || Object.hasOwn(BETA_OF_FIELD, name)
  return (
    isField ||
    /^(cache_control|thinking|tool_choice)\b/.test(name) ||
    tables.some((betas) => betas.includes(plain))
  )
}

/** A beta's name without its date. */
export function plainName(beta: string): string {
  // Looked for where it stands: a search from the front begins anew at every dash.
  if (LONG_DATE.test(beta.slice(-11))) return beta.slice(0, -11)
  return beta.replace(/-\d{4}-?\d{2}-?\d{2}$/, '')
}

const LONG_DATE = /^-\d{4}-\d{2}-\d{2}$/

type Place = Pick<Target, 'wire' | 'model' | 'omit'>

/** The betas to send, of those the client asked for, in its order, each once. */
export function betasFor(asked: readonly string[], target: Place): string[] {
  const { wire, omit } = target
  if (wire === 'anthropic' || wire === 'claude-platform') return asked.filter((beta) => !omit.betas.has(beta))
  const left = NOT_SENT.get(wire)
  const renamed = asked.map((beta) => RENAMED.get(beta) ?? beta)
  return [...new Set(renamed)].filter(
    (beta) =>
      omit.accepted.has(beta) ||
      (!left?.has(plainName(beta)) && !omit.betas.has(beta) && isForModel(beta, target)),
  )
}

/** Counting thinking tokens came with the models of 4.7. */
function isForModel(beta: string, { model, wire }: Place): boolean {
  return !isBedrock(wire) || plainName(beta) !== 'thinking-token-count' || generationOf(model) >= 4.7
}

/** Those that may be at fault when a wire refuses "a beta" without saying which. */
export function unproven(betas: readonly string[]): string[] {
  return betas.filter((beta) => !PROVEN_ON_INVOKE.has(beta))
}
