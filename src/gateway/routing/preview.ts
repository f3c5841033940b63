/** What would become of a call, and why: the same judgement that calls get, told of every upstream, with nothing sent. */
import type { GatewayError } from '../../errors.ts'
import { Halt } from '../../protocol/halt.ts'
import { outline } from '../../protocol/json.ts'
import { type Call, requestShape } from '../../protocol/messages.ts'
import { listedName } from '../../protocol/models.ts'
import type { Runtime } from '../../runtime.ts'
import type { Principal } from '../authenticate.ts'
import { modelsFor, questionOf } from '../route.ts'
import type { Binding, Reason } from './choice.ts'
import { choose } from './choose.ts'
import { eligible, type Fit } from './eligible.ts'
import { looksFor } from './looks.ts'
import { inWords, nowhere } from './nowhere.ts'
import { type Policy, policyOf } from './policy.ts'
import { type Configured, configured } from './upstreams.ts'

/** Whose call it would be, and of which session. */
export interface Supposed {
  principal: Pick<Principal, 'keyId' | 'userId' | 'teamId' | 'models' | 'routing'>
  model: string
  session: string | undefined
}

export interface Preview {
  policy: Policy
  binding: Binding | undefined
  /** Those that would be tried, in their order; then the others. */
  upstreams: readonly Seen[]
  /** What the caller would be told, where nothing could be tried. */
  refusal: GatewayError | undefined
}

export interface Seen {
  configured: Configured
  /** From 1; undefined where it would not be tried. */
  turn: number | undefined
  /** What speaks against it, also where it would be tried for want of better ones. */
  reason: Reason | undefined
  detail: string | undefined
  says: string | undefined
  /** Where it would run; undefined where that is not known. */
  fit: Fit | undefined
}

/** What a call of Claude Code's asks for, mostly: its headroom is judged by it. */
const MAX_TOKENS = 32_000

/** @throws GatewayError as `configured` does. */
export async function preview(runtime: Runtime, { principal, model, session }: Supposed): Promise<Preview> {
  const all = await configured(runtime)
  const policy = await policyOf(runtime, principal)
  const call = supposedCall(runtime, model, session)
  const question = await questionOf(runtime, all, { policy, principal, asked: model })
  const judged = eligible(all, question, looksFor(runtime, call))
  const choice = await choose(runtime, { principal, call, policy }, judged)
  const against = [...(choice?.leftOut ?? judged.out), ...(choice?.despite ?? [])]
  const tried = choice?.routes.map(({ upstream }) => upstream.id) ?? []
  const fits = [...judged.fit, ...judged.short]
  const seen = all.map((configured): Seen => {
    const { reason, detail } = against.find(({ upstream }) => upstream === configured.id) ?? {}
    const turn = tried.indexOf(configured.id) + 1
    return {
      configured,
      turn: turn === 0 ? undefined : turn,
      reason,
      detail,
      says: reason && inWords(reason, detail),
      fit: fits.find((each) => each.configured === configured),
    }
  })
  const last = all.length + 1
  return {
    policy,
    binding: choice?.binding,
    upstreams: seen.toSorted((a, b) => (a.turn ?? last) - (b.turn ?? last)),
    refusal: choice
      ? undefined
      : nowhere(all, judged.out, question, (await modelsFor(runtime, principal)).map(listedName)),
  }
}

function supposedCall({ now }: Runtime, model: string, session: string | undefined): Call {
  const body = new TextEncoder().encode(JSON.stringify({ model, max_tokens: MAX_TOKENS, messages: [] }))
  return {
    id: 'req_preview',
    body,
    outline: outline(body, requestShape),
    model,
    stream: true,
    betas: [],
    signal: new Halt(),
    session,
    agent: undefined,
    parentAgent: undefined,
    startedAt: now(),
  }
}
