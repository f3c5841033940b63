/**
 * Which `anthropic_beta` values InvokeModel takes in its body. Anything else is an "invalid beta flag".
 */
import type { Model } from './models.ts'

const EVERY_MODEL = [
  'afk-mode-2026-01-31',
  'claude-code-20250219',
  'compact-2026-01-12',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dangerous-tool-use-2026-09-03',
  'effort-2025-11-24',
  'fallback-credit-2026-06-01',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'mcp-client-2025-04-04',
  'mid-conversation-output-config-2026-07-01',
  'mid-conversation-tool-changes-2026-07-01',
  'output-128k-2025-02-19',
  'pdfs-2024-09-25',
  'thinking-binding-controls-2026-08-01',
  'thinking-display-updates-2026-08-18',
  'token-counting-2024-11-01',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
  'web-search-2025-03-05',
]

/** Betas that only models with the feature know. */
const OF_A_FEATURE: Readonly<Record<string, (model: Model) => boolean>> = {
  'mid-conversation-system-2026-04-07': ({ systemTurns }) => systemTurns,
  'thinking-token-count-2026-05-13': ({ thinkingTokenCount }) => thinkingTokenCount,
}

export function betaIsValid(beta: string, model: Model): boolean {
  return EVERY_MODEL.includes(beta) || OF_A_FEATURE[beta]?.(model) === true
}
