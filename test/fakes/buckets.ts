/**
 * Bedrock's token quotas: a bucket for each account, region, model and reach of a profile, that refills evenly in a
 * minute. A call takes its whole input and `max_tokens` when it begins; when it ends it has taken input, cache writes and
 * its output times the model's burndown, and the rest is given back.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
 */

export interface Arriving {
  account: string
  region: string
  /** As in the path: a profile, or a base id. */
  modelId: string
  inputTokens: number
  maxTokens: number
}

export interface Spent {
  input: number
  cacheWrite: number
  output: number
}

export interface TokenBuckets {
  /** How the call is settled when it is over; undefined where it is throttled. */
  begin(call: Arriving, now: number): ((spent: Spent, at: number) => void) | undefined
  /** Tokens that are left now. */
  left(call: Pick<Arriving, 'account' | 'region' | 'modelId'>, now: number): number
  /** What somebody else uses of the account. */
  drain(call: Pick<Arriving, 'account' | 'region' | 'modelId'>, tokens: number, now: number): void
  /** Calls that were let in, and that were throttled. */
  counts: { begun: number; throttled: number }
}

/** Of each bucket, how many tokens a minute; by the plain model id and the reach of the profile. */
export type QuotaOf = (baseId: string, reach: 'region' | 'geography' | 'global') => number

export function tokenBuckets(quotaOf: QuotaOf): TokenBuckets {
  const buckets = new Map<string, { quota: number; left: number; at: number }>()
  const counts = { begun: 0, throttled: 0 }

  function bucketOf(
    { account, region, modelId }: Pick<Arriving, 'account' | 'region' | 'modelId'>,
    now: number,
  ) {
    const { prefix, baseId } = split(modelId)
    const reach = prefix === '' ? 'region' : prefix === 'global' ? 'global' : 'geography'
    const name = [account, region, baseId, reach].join('|')
    const quota = quotaOf(baseId, reach)
    const bucket = buckets.get(name) ?? { quota, left: quota, at: now }
    buckets.set(name, bucket)
    bucket.left = Math.min(quota, bucket.left + ((now - bucket.at) * quota) / 60_000)
    bucket.at = now
    return bucket
  }

  return {
    counts,
    begin(call, now) {
      const bucket = bucketOf(call, now)
      const taken = call.inputTokens + call.maxTokens
      if (taken > bucket.left) {
        counts.throttled++
        return undefined
      }
      counts.begun++
      bucket.left -= taken
      return ({ input, cacheWrite, output }, at) => {
        const kept = input + cacheWrite + output * burndown(call.modelId)
        const again = bucketOf(call, at)
        again.left = Math.min(again.quota, again.left + taken - kept)
      }
    },
    left: (call, now) => bucketOf(call, now).left,
    drain(call, tokens, now) {
      bucketOf(call, now).left -= tokens
    },
  }
}

function split(modelId: string): { prefix: string; baseId: string } {
  const [, prefix = '', baseId = modelId] = /^(?:([a-z-]+)\.)?(anthropic\..+)$/.exec(modelId) ?? []
  return { prefix, baseId }
}

/** Fifteen for Claude 4.8, ten for the fifth generation, five for what came before. */
function burndown(modelId: string): number {
  if (modelId.includes('claude-opus-4-8')) return 15
  return /claude-[a-z]+-5/.test(modelId) ? 10 : 5
}
