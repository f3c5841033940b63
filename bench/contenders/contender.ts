/** What is measured: how it is started, and how it is asked. */
import type { findPostgres } from '../../test/services/postgres.ts'
import type { findRedis } from '../../test/services/redis.ts'
import type { Target } from '../generator.ts'

type Started<Found> =
  Extract<Found, { start: unknown }> extends { start(): Promise<infer Kind> } ? Kind : never

/** What there is around it. */
export interface Around {
  /** The port of the benchmark's Bedrock. */
  upstream: number
  postgres(): Promise<Started<Awaited<ReturnType<typeof findPostgres>>>>
  redis(): Promise<Started<Awaited<ReturnType<typeof findRedis>>>>
  /** Where profiles of the processor's time are to be written, by those that can. */
  profiles: string | undefined
}

export interface Contender {
  /** As `--contenders` names it. */
  name: string
  title: string
  /** Whether its memory is no measure of its streams: that of an embedded database hides it. */
  hasOwnStore?: boolean
  /** @throws with the reason why it cannot be had here. */
  start(around: Around): Promise<Running>
}

export interface Running {
  version: string
  /** None where there is no process of its own to measure. */
  pid?: number
  target(stream: boolean): Target
  stop(): Promise<void>
}

/** An inference profile of Bedrock. */
export const MODEL_ID = 'us.anthropic.claude-sonnet-5-5'

/** Asks whoever translates nothing as one asks Bedrock. */
export function bedrockTarget(port: number, stream: boolean): Target {
  return {
    port,
    path: `/model/${MODEL_ID}/${stream ? 'invoke-with-response-stream' : 'invoke'}`,
    headers: { 'content-type': 'application/json', accept: '*/*' },
    model: MODEL_ID,
  }
}
