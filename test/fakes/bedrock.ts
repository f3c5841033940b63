/**
 * A fake Amazon Bedrock Runtime on a loopback port: it verifies what it is sent, refuses what Bedrock refuses in
 * Bedrock's words, answers in AWS event-stream frames, and can be scripted to fail in every way a network can.
 * It shares no code with the gateway it judges.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { brain } from './brain.ts'
import type { TokenBuckets } from './buckets.ts'
import { promptCache } from './cache.ts'
import { type Account, newAccount } from './control.ts'
import { type Desk, serve } from './desk.ts'
import type { Brain } from './plan.ts'
import type { Rule } from './rules.ts'
import type { SeenRequest } from './seen.ts'
import type { Credentials, Session } from './signature.ts'
import type { Step } from './steps.ts'

export type { Credentials, SeenRequest, Step }

export interface FakeBedrock {
  /** For AWS_ENDPOINT_URL_BEDROCK_RUNTIME. */
  url: string
  /** What a client must sign with; may be changed at any time, to rotate. */
  credentials: Credentials
  /** Access keys that count as expired. */
  expired: Set<string>
  region: string
  /** Newest last, at most 10,000. */
  seen: SeenRequest[]
  /** Paths of inference profiles that were looked up. */
  asked: string[]
  /** The account, as its control plane knows it. */
  control: Account
  script(...steps: Step[]): void
  openSockets(): number
  /** Forgets what was seen, scripted, cached and expired. */
  reset(): void
  close(): Promise<void>
}

export interface FakeBedrockOptions {
  port?: number
  region?: string
  credentials?: Credentials
  /** Also lets `Authorization: Bearer <apiKey>` in. */
  apiKey?: string
  /** Sessions that are let in too, such as those of a fake STS. */
  issued?: (accessKeyId: string) => Session | undefined
  brain?: Brain
  /** Milliseconds between events. */
  pace?: number
  /** The base model id behind each application inference profile id; Opus 5.5 behind any other. */
  profiles?: Record<string, string>
  /** The regions each of them may run in; '' is everywhere. */
  reach?: Record<string, readonly string[]>
  /** More rules, judged before the usual ones. */
  rules?: readonly Rule[]
  /**
   * Lets pass what people have seen refused but Claude Code's own Bedrock mode sends: the attribution line, any
   * `metadata.user_id`, any signed header.
   */
  lenient?: boolean
  /** Its quotas; without them it has as much room as anybody asks for. Several fakes may stand for one account. */
  buckets?: TokenBuckets
  account?: string
  now?: () => number
}

/** The values of AWS's own documentation. */
const DOCUMENTED: Credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

export async function startFakeBedrock(options: FakeBedrockOptions = {}): Promise<FakeBedrock> {
  const sockets = new Set<Socket>()
  const steps: Step[] = []
  const cache = promptCache()
  let count = 0
  const desk: Desk = {
    credentials: { ...(options.credentials ?? DOCUMENTED) },
    expired: new Set(),
    apiKey: options.apiKey,
    issued: options.issued,
    region: options.region ?? 'us-east-1',
    profiles: options.profiles ?? {},
    reach: options.reach ?? {},
    asked: [],
    control: newAccount(),
    lenient: options.lenient ?? false,
    rules: options.rules ?? [],
    brain: options.brain ?? brain,
    pace: options.pace ?? 0,
    now: options.now ?? Date.now,
    buckets: options.buckets,
    account: options.account ?? '123456789012',
    seen: [],
    steps,
    cache,
    next: () => ++count,
  }
  const server = createServer((request, response) => {
    serve(desk, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    credentials: desk.credentials,
    expired: desk.expired,
    region: desk.region,
    seen: desk.seen,
    asked: desk.asked,
    control: desk.control,
    script: (...more) => void steps.push(...more),
    openSockets: () => sockets.size,
    reset() {
      desk.seen.length = 0
      desk.asked.length = 0
      Object.assign(desk.control, newAccount())
      steps.length = 0
      desk.expired.clear()
      cache.clear()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
