/** What can be found out about an upstream without sending it a call. */

export interface Findings {
  /** What the account may call, by id; undefined where it could not be asked: then what is shipped holds. */
  offers?: readonly Offer[]
  /** Application inference profiles of the account, by ARN, and where they lead. */
  applications?: readonly Offer[]
  quotas?: readonly Quota[]
  /** Which of the calls behind this came through: one for each action of IAM, or setting, that is needed. */
  checks: readonly Check[]
  /** When that was last asked which is not asked each time, in milliseconds since 1970. */
  asked?: { availability?: number; quotas?: number }
}

/** An inference profile, or a model that is called without one. */
export interface Offer {
  /** `eu.anthropic.claude-opus-5-5`, or the ARN of an application profile. */
  id: string
  /** Of the model behind it, where the id does not say so. */
  baseId?: string
  /** Regions it may run in, where that was said; empty is everywhere. */
  regions?: readonly string[]
  /** Why it may not be called, in a few words; undefined where it may. */
  refused?: string
}

/** Tokens a minute, as Service Quotas names them. */
export interface Quota {
  code: string
  name: string
  /** The plain name of the model. */
  model: string
  reach: 'region' | 'geography' | 'global'
  tokensPerMinute: number
  adjustable: boolean
}

export interface Check {
  /** An action of IAM such as `bedrock:ListInferenceProfiles`, or the setting that is missing. */
  action: string
  verdict: 'passed' | 'refused' | 'failed' | 'unknown'
  /** Why it is needed, and where it failed what to do: one sentence. */
  says: string
  /** What the other side called it, such as `AccessDeniedException`. */
  error?: string
}

/** What every call fails without, by the name of its check. */
export const DECISIVE: ReadonlySet<string> = new Set([
  'credentials',
  'sts:AssumeRole',
  'sts:AssumeRoleWithWebIdentity',
  'sts:TagSession',
])
