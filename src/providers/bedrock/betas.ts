/**
 * Which betas InvokeModel is told of. It refuses the whole request for one it does not know ("invalid beta flag",
 * without saying which), so this lists what Claude Code itself sends there in its Bedrock mode, and what others have
 * measured to pass. A beta whose field the translation removes is not here.
 */
import type { Generation } from '../../protocol/models.ts'

/** The name Bedrock has for a beta of the Anthropic API. */
const RENAMED: Readonly<Record<string, string>> = {
  'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19',
}

const KNOWN: ReadonlySet<string> = new Set([
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
  'tool-search-tool-2025-10-19',
])

/** Only models of the fifth generation know these. */
const FIFTH_GENERATION: ReadonlySet<string> = new Set(['thinking-token-count-2026-05-13'])

/** The betas to send for those the client asked for, in its order, each once. */
export function bedrockBetas(asked: readonly string[], generation: Generation): string[] {
  const renamed = asked.map((beta) => RENAMED[beta] ?? beta)
  const known = (beta: string) => KNOWN.has(beta) || (generation >= 5 && FIFTH_GENERATION.has(beta))
  return [...new Set(renamed)].filter(known)
}
