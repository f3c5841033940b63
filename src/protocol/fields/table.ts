/**
 * The fields that Bedrock does not take, or not from every model, as patterns. What is not here passes: a field that
 * ships tomorrow is tried, and learned about if it is refused.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 */
import type { Value } from '../json.ts'
import { mayHold } from '../jsonnotes.ts'
import type { Generation, Model } from '../models.ts'
import type { Wire } from './target.ts'

interface Circumstances {
  wire: Wire
  generation: Generation
  model: Model | undefined
  /** Plain names of the betas that will be sent. */
  betas: ReadonlySet<string>
}

type Refused = (here: Circumstances) => boolean

const always: Refused = () => true
const since =
  (generation: Generation): Refused =>
  (here) =>
    here.generation >= generation
const before =
  (generation: Generation): Refused =>
  (here) =>
    here.generation < generation
const unless =
  (beta: string): Refused =>
  ({ betas }) =>
    !betas.has(beta)

/** Structured outputs came with 4.5, and on Bedrock left again with 4.7. */
const hasNoStructure: Refused = ({ generation }) => generation < 4.5 || generation >= 4.7

export const REFUSED_FIELDS: readonly [pattern: string, refused: Refused][] = [
  // The Anthropic API's own: routing, billing, hosted tools.
  ['container', always],
  ['data_flow', always],
  ['diagnostics', always],
  ['fallbacks', always],
  ['inference_geo', always],
  ['mcp_servers', always],
  ['service_tier', always],
  ['speed', always],
  ['tags', always],
  ['thread', always],
  ['user_profile_id', ({ wire }) => wire === 'invoke'],
  ['workspace_id', always],
  // The model's own.
  ['output_config.effort', ({ model }) => model?.effort === false],
  ['output_config.task_budget', unless('task-budgets')],
  ['safeguards', unless('dangerous-tool-use')],
  ['temperature', since(4.7)],
  ['top_k', since(4.7)],
  ['top_p', since(4.7)],
  ['thinking.display', before(4.7)],
  ['tools.*.allowed_callers', always],
  ['tools.*.defer_loading', unless('tool-search-tool')],
  ['tools.*.eager_input_streaming', always],
  ['tools.*.input_examples', unless('tool-examples')],
  ['tools.*.strict', hasNoStructure],
  // Of one turn only: Claude Code sends these to the Anthropic API alone.
  ['messages.*.output_config', unless('mid-conversation-output-config')],
]

/** The same, each with the member of a body that it begins with, and the key within that it ends in. */
const BY_MEMBER = REFUSED_FIELDS.map(([pattern, refused]) => {
  const [first = '', ...rest] = pattern.split('.')
  return { first, key: rest.at(-1), pattern, refused }
})

/** The patterns that are refused here, of those that may lead somewhere in this body. */
export function refusedFields(here: Circumstances, root: Value): string[] {
  const patterns: string[] = []
  for (const { first, key, pattern, refused } of BY_MEMBER)
    if (mayLead(root, first, key) && refused(here)) patterns.push(pattern)
  return patterns
}

/** None of these patterns leads further than the outline of a request looks. */
function mayLead(root: Value, first: string, key: string | undefined): boolean {
  if (!mayHold(root, first)) return false
  for (const value of root.members ?? [])
    if (value.key === first && (key === undefined || mayHold(value, key))) return true
  return false
}
