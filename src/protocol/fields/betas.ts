/**
 * Which betas go where. A wire refuses the whole request for one it does not know, and what each knows changes by the
 * week: the table says only what need not be tried. Nothing is sent that was not asked for.
 */
import { isBedrock, type Target, type Wire } from './target.ts'

/** What the clouds call a beta of the Anthropic API. */
const RENAMED: Readonly<Record<string, string>> = {
  'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19',
}

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

/** What InvokeModel is known to take: Claude Code's own Bedrock mode sends it there, or others have measured it. */
const PROVEN_ON_INVOKE: ReadonlySet<string> = new Set([
  'afk-mode',
  'compact',
  'computer-use',
  'context-1m',
  'dangerous-tool-use',
  'effort',
  'fine-grained-tool-streaming',
  'interleaved-thinking',
  'thinking-binding-controls',
  'thinking-display-updates',
  'thinking-token-count',
  'tool-examples',
  'tool-search-tool',
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

/** A beta's name without its date. */
export function plainName(beta: string): string {
  return beta.replace(/-\d{4}-?\d{2}-?\d{2}$/, '')
}

type Place = Pick<Target, 'wire' | 'model' | 'omit'>

/** The betas to send, of those the client asked for, in its order, each once. */
export function betasFor(asked: readonly string[], target: Place): string[] {
  const { wire, omit } = target
  if (wire === 'anthropic' || wire === 'claude-platform') return asked.filter((beta) => !omit.betas.has(beta))
  const left = new Set([...ANTHROPICS_OWN, ...LEFT_OUT[wire]])
  const renamed = asked.map((beta) => RENAMED[beta] ?? beta)
  return [...new Set(renamed)].filter(
    (beta) =>
      omit.accepted.has(beta) ||
      (!left.has(plainName(beta)) && !omit.betas.has(beta) && isForModel(beta, target)),
  )
}

/** Counting thinking tokens came with the models of 4.7. */
function isForModel(beta: string, { model, wire }: Place): boolean {
  return !isBedrock(wire) || plainName(beta) !== 'thinking-token-count' || (model?.generation ?? 5) >= 4.7
}

/** Those that may be at fault when a wire refuses "a beta" without saying which. */
export function unproven(betas: readonly string[]): string[] {
  return betas.filter((beta) => !PROVEN_ON_INVOKE.has(plainName(beta)))
}
