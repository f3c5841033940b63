/** A gateway beside a fake STS and a fake Bedrock that lets in what the former gives out. */

import { lent } from '../../../src/gateway/dispatch.ts'
import { type Caller, configured, upstreamFor } from '../../../src/gateway/routing/upstreams.ts'
import { NOTHING_OMITTED } from '../../../src/protocol/fields/target.ts'
import { sendBy } from '../../../src/protocol/send.ts'
import { providerNamed } from '../../../src/providers/index.ts'
import { type FakeBedrock, startFakeBedrock } from '../../fakes/bedrock.ts'
import type { Credentials } from '../../fakes/signature.ts'
import { type FakeSts, type FakeStsOptions, startFakeSts } from '../../fakes/sts.ts'
import { callOf } from '../../providers/call.ts'
import { type Changes, type TestRuntime, testRuntime } from '../../runtime.ts'

export const ROLE = 'arn:aws:iam::222222222222:role/outcrop'
/** Whoever the gateway itself is. */
export const GATEWAY = 'arn:aws:iam::111111111111:role/gateway'
export const BASE: Credentials = {
  accessKeyId: 'AKIAGATEWAYEXAMPLE00',
  secretAccessKey: 'base/secret+of+the+gateway',
}

export interface Stage {
  sts: FakeSts
  bedrock: FakeBedrock
  /** In both of them. */
  runtime(changes?: Changes): TestRuntime
  close(): Promise<void>
}

export async function startStage(options: FakeStsOptions & { apiKey?: string } = {}): Promise<Stage> {
  const sts = await startFakeSts({ identities: { [GATEWAY]: BASE }, ...options })
  const { region = 'us-east-1', now = Date.now, apiKey } = options
  const more = apiKey ? { apiKey } : {}
  const bedrock = await startFakeBedrock({ region, now, issued: sts.issued, ...more })
  return {
    sts,
    bedrock,
    runtime: ({ env, ...changes } = {}) =>
      testRuntime({
        fetch: sendBy(fetch),
        now: Date.now,
        credentials: { get: async () => ({ ...BASE }), reject() {} },
        ...changes,
        env: {
          EGRESS_ALLOW_LOOPBACK: 'true',
          AWS_ENDPOINT_URL_STS: sts.url,
          AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
          AWS_ENDPOINT_URL_BEDROCK: bedrock.url,
          ...env,
        },
      }),
    close: async () => void (await Promise.all([sts.close(), bedrock.close()])),
  }
}

/** One call by way of this upstream, answered to its end. */
export async function callBy(
  runtime: TestRuntime,
  upstreamId: string,
  caller?: Caller | undefined,
  model = 'claude-opus-5-5',
): Promise<void> {
  const found = (await configured(runtime)).find(({ id }) => id === upstreamId)
  if (!found) throw new Error(`there is no upstream ${upstreamId}`)
  const upstream = upstreamFor(found, caller)
  const provider = providerNamed(upstream.provider)
  const route = provider.find(model, upstream)
  if (!route) throw new Error(`${model} is not there`)
  const call = await callOf({ model, max_tokens: 10, messages: [{ role: 'user', content: '!say hello' }] })
  const { events } = await provider.send(call, route, lent(runtime), NOTHING_OMITTED)
  const kinds: string[] = []
  for (let batch = await events.next(); batch; batch = await events.next()) {
    kinds.push(...batch.map(({ type }) => type))
  }
  if (kinds.at(-1) !== 'message_stop') throw new Error(`the answer ended with ${kinds.at(-1)}`)
}

/** The access key that the newest request was signed with. */
export function signedWith({ seen }: FakeBedrock): string {
  return /Credential=([^/]+)\//.exec(seen.at(-1)?.headers.authorization ?? '')?.[1] ?? ''
}
