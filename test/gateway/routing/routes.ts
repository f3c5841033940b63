/** Routes for tests of routing, made of the few things that it goes by. */
import { memoryLimits } from '../../../src/data/limits/memory.ts'
import type { Limits } from '../../../src/data/limits.ts'
import type { Lent } from '../../../src/gateway/routing/headroom.ts'
import type { Wire } from '../../../src/protocol/fields/target.ts'
import type { Quota } from '../../../src/protocol/findings.ts'
import { type Model, modelNamed } from '../../../src/protocol/models.ts'
import type { Route } from '../../../src/providers/provider.ts'

interface Wish {
  id?: string
  account?: string
  region?: string
  wire?: Wire
  model?: Model | undefined
  modelId?: string
  regionClass?: string
  quotas?: readonly Quota[]
}

export function place(wish: Wish = {}): Route {
  const { id = 'up_1', account, region = 'us-east-1', wire = 'invoke', quotas } = wish
  const model = 'model' in wish ? wish.model : modelNamed('claude-opus-5-5')
  return {
    upstream: {
      id,
      provider: 'bedrock',
      region,
      account,
      wire,
      endpoint: 'https://bedrock.test',
      credentials: { get: () => Promise.reject(new Error('nobody signs here')), reject() {} },
      quotas,
    },
    model,
    modelId: wish.modelId ?? `us.${model?.bedrockId ?? 'anthropic.claude-later-6'}`,
    regionClass: wish.regionClass ?? 'us',
  }
}

/** A place with so many tokens a minute. */
export function quoted(tokensPerMinute: number, wish: Wish = {}): Route {
  const quota = { code: 'L-1', name: 'tokens', model: 'claude-opus-5-5', reach: 'geography' as const }
  return place({ ...wish, quotas: [{ ...quota, tokensPerMinute, adjustable: true }] })
}

export interface Stage extends Lent {
  clock: { now: number }
  /** Lets time pass, waking those that rest on their way. */
  pass(milliseconds: number): Promise<void>
}

/** What headroom is lent, with a clock that moves only when it is told to. */
export function stage(limits?: Limits, clock = { now: Date.UTC(2026, 10, 20, 12) }): Stage {
  const now = () => clock.now
  const resting = new Set<{ at: number; wake(): void }>()
  return {
    clock,
    now,
    limits: limits ?? memoryLimits(now),
    waitUntil() {},
    rest: (milliseconds, signal) =>
      new Promise((resolve) => {
        const one = {
          at: clock.now + milliseconds,
          wake() {
            resting.delete(one)
            resolve()
          },
        }
        resting.add(one)
        signal?.addEventListener('abort', () => one.wake())
      }),
    async pass(milliseconds) {
      const until = clock.now + milliseconds
      for (;;) {
        await quiet()
        const [next] = [...resting].toSorted((a, b) => a.at - b.at)
        if (!next || next.at > until) break
        clock.now = Math.max(clock.now, next.at)
        next.wake()
      }
      clock.now = until
      await quiet()
    },
  }
}

/** Whatever was promised and asks for no time has come. */
export async function quiet() {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
