/** How a call came to run where it ran, as its row keeps it: names and figures, told in words by the admin API. */

export interface Trail {
  /** By what the first upstream was chosen; `only` where there was but one. */
  strategy: string
  /** Where the session was bound to, before. */
  bound?: string
  /** In the order in which they were to be tried; then those that were left out, with the reason. */
  candidates: readonly Candidate[]
  /** In the order in which they happened. */
  steps: readonly TrailStep[]
  /** Betas and fields that the upstream was not sent. */
  removed?: readonly string[]
  /** Geographies that policies allowed: it had to stay within each of these lists. */
  within?: readonly (readonly string[])[]
  /** Every place where the upstream that it was sent to last may have run it. */
  reach?: readonly string[]
  /** How many candidates, steps and removed names there were beyond what is kept. */
  more?: number
}

export interface Candidate {
  upstream: string
  /** A word of `LeftOut`; undefined where nothing spoke against it. */
  reason?: string
  /** What makes the word plain: the region, the time until a breaker lets through, the figure. */
  detail?: string
  /** It was in the order all the same, for want of better ones. */
  despite?: true
}

/** `at` and `ms` are milliseconds, the former since the call began; money is nano-dollars. */
export type TrailStep =
  | {
      did: 'sent'
      at: number
      upstream: string
      modelId: string
      region: string
      /** Calls of others had failed there: this one was to find out. */
      probe?: true
    }
  | { did: 'failed'; at: number; upstream: string; error: string; class: string }
  /** It objected to these, and was asked again without them. */
  | { did: 'retried'; at: number; upstream: string; without: readonly string[] }
  /** The gateway ran tools for it, and the turn went on. */
  | { did: 'continued'; at: number; upstream: string }
  | { did: 'waited'; at: number; ms: number; upstream: string; why: string }
  | {
      did: 'weighed'
      at: number
      from: string
      to: string | null
      /** What it costs to write the session's cache anew over there. */
      rewriteNano: number
      /** Expected, of waiting here; before a hedge, how long it had been waited for an answer. */
      waitMs: number
      chose: 'hold' | 'move' | 'hedge'
    }
  | { did: 'stepped_down'; at: number; from: string; to: string }
