/**
 * What the fake writes down about every inference or count request that arrived.
 */
import type { IncomingHttpHeaders } from 'node:http'

export type Operation = 'invoke' | 'stream' | 'count'

export interface SeenRequest {
  at: number
  method: string
  /** As on the wire, still encoded. */
  path: string
  /** Decoded. */
  modelId: string
  operation: Operation
  headers: IncomingHttpHeaders
  bytes: Buffer
  /** Parsed; for a count, the InvokeModel body inside. */
  body: unknown
  outcome: 'accepted' | 'refused'
  refusal?: { status: number; type: string; message: string }
  /** True when a script, not a rule, refused it. */
  scripted?: boolean
  /** What the reply counted, once there is one. */
  usage?: unknown
  /** The peer hung up before the reply was complete. */
  closedEarly?: boolean
  /** When the reply was over. */
  closedAt?: number
}
