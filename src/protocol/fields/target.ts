/** Where a call is being adapted to, and what is known not to be taken there. */
import type { Room } from '../bytes.ts'
import type { Hashes } from '../hashes.ts'
import type { Model } from '../models.ts'

/** The wire forms of the Messages API. */
export type Wire = 'invoke' | 'runtime-messages' | 'mantle' | 'claude-platform' | 'anthropic' | 'vertex'

/** Wires behind which Bedrock's own validation stands; the others take what Anthropic takes. */
const BEDROCK: ReadonlySet<Wire> = new Set(['invoke', 'runtime-messages', 'mantle'])

export function isBedrock(wire: Wire): boolean {
  return BEDROCK.has(wire)
}

/** What one upstream and model refused before, or is not to be tried with now. */
export interface Omissions {
  betas: ReadonlySet<string>
  /** Patterns such as `tools.*.strict`. */
  fields: ReadonlySet<string>
  /** Betas and fields that an admin says are taken, whatever the tables here say. */
  accepted: ReadonlySet<string>
  /** Replayed thinking was signed by somebody else: it is left out of this copy. */
  thinking: boolean
}

export const NOTHING_OMITTED: Omissions = {
  betas: new Set(),
  fields: new Set(),
  accepted: new Set(),
  thinking: false,
}

export interface Target {
  wire: Wire
  /** Undefined where an ARN does not say which model it leads to: then it is taken to be of the newest kind. */
  model: Model | undefined
  omit: Omissions
  /** Keys the pseudonym of `metadata.user_id`. */
  secret: string
  hashes: Hashes
  /** Where the edited copy is written to. */
  room?: Room | undefined
}
