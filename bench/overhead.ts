/**
 * What the gateway adds to the time to first byte: the same requests to a fast fake Bedrock directly and through the
 * built gateway, in turns, one at a time. `npm run bench:overhead`; what stands behind `--` goes to the gateway's Node.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { messagesBody, SESSION } from './body.ts'
import { type Send, sender, type Timing } from './client.ts'
import { machine, median, microseconds, quantile, table } from './figures.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { QUICK, serveUpstream, startUpstream, THINKS, THOUGHTFUL, UPSTREAM } from './upstream.ts'

interface Case {
  name: string
  bytes: number
  model: string
  stream: boolean
}

const CASES: readonly Case[] = [
  { name: '1 KB, streamed', bytes: 1_000 * 1.5, model: QUICK, stream: true },
  { name: '100 KB, streamed', bytes: 100_000, model: QUICK, stream: true },
  { name: '1 MB, streamed', bytes: 1_000_000, model: QUICK, stream: true },
  { name: '100 KB, in one piece', bytes: 100_000, model: QUICK, stream: false },
  { name: `100 KB, streamed after ${THINKS} ms`, bytes: 100_000, model: THOUGHTFUL, stream: true },
]

const ROUNDS = 5
/** Requests of a case in one round, each way. */
const REQUESTS = 60
/** Long enough for what an answer leaves to be done, such as its ledger row, in milliseconds. */
const PAUSE = 4

interface Pair {
  direct: Timing[]
  gateway: Timing[]
}

interface Routes {
  direct: Send
  gateway: Send
}

if (process.argv[2] === UPSTREAM) await serveUpstream()
else process.exitCode = await measure(process.argv.slice(2))

async function measure(flags: readonly string[]): Promise<number> {
  const upstream = await startUpstream()
  try {
    const gateway = await startGateway(upstream.url, flags)
    const rounds = await allRounds(upstream.url, gateway)
    print(rounds)
    const trouble = await gateway.stop()
    for (const line of trouble) console.error(line)
    return trouble.length === 0 ? 0 : 1
  } catch (error) {
    console.error(error)
    return 1
  } finally {
    upstream.process.disconnect()
  }
}

/** The first round warms up and is not counted. */
async function allRounds(upstream: string, gateway: Gateway): Promise<Map<Case, Pair>[]> {
  const routes = new Map(CASES.map((each) => [each, routesOf(each, upstream, gateway)]))
  const rounds: Map<Case, Pair>[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const pairs = new Map<Case, Pair>()
    for (const [each, { direct, gateway }] of routes) {
      pairs.set(each, await inTurns(messagesBody(each), direct, gateway))
    }
    if (round > 0) rounds.push(pairs)
  }
  return rounds
}

async function inTurns(body: Buffer, direct: Send, gateway: Send): Promise<Pair> {
  const pair: Pair = { direct: [], gateway: [] }
  for (let request = 0; request < REQUESTS; request++) {
    pair.direct.push(await direct(body))
    await sleep(PAUSE)
    pair.gateway.push(await gateway(body))
    await sleep(PAUSE)
  }
  return pair
}

function routesOf({ model, stream }: Case, upstream: string, { url, key }: Gateway): Routes {
  const operation = stream ? 'invoke-with-response-stream' : 'invoke'
  return {
    direct: sender({
      url: `${upstream}/model/us.anthropic.${model}/${operation}`,
      headers: { 'content-type': 'application/json' },
    }),
    gateway: sender({
      url: `${url}/v1/messages?beta=true`,
      headers: { ...CLIENT, authorization: `Bearer ${key}` },
    }),
  }
}

/** The headers of Claude Code. */
const CLIENT = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.328 (external, cli)',
  'x-app': 'cli',
  'x-claude-code-session-id': SESSION,
  'anthropic-version': '2023-06-01',
  'anthropic-beta':
    'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,' +
    'thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24',
  'x-stainless-lang': 'js',
  'x-stainless-runtime': 'node',
  'x-stainless-timeout': '600',
}

function print(rounds: readonly Map<Case, Pair>[]) {
  console.log(`\nTime to first byte in microseconds, one request at a time, kept connections, loopback.`)
  console.log(`${machine()}. ${ROUNDS} rounds of ${REQUESTS} requests each way.\n`)
  const head = [
    'request',
    'direct p50',
    'p95',
    'gateway p50',
    'p95',
    'added p50',
    'p95',
    'rounds',
    'there',
    'back',
  ]
  console.log(
    table(
      head,
      CASES.map((each) =>
        row(
          each,
          rounds.flatMap((round) => round.get(each) ?? []),
        ),
      ),
    ),
  )
  console.log(
    '\nadded: gateway less direct; rounds: the least and the most that a round of its own says of the median; there:\n' +
      'of the added median, until the upstream has the request; back: from its first byte on. What it thinks is not counted.',
  )
}

function row({ name }: Case, rounds: readonly Pair[]): string[] {
  const all: Pair = {
    direct: rounds.flatMap(({ direct }) => direct),
    gateway: rounds.flatMap(({ gateway }) => gateway),
  }
  const added = rounds.map((round) => addedBy(round, 'firstByte'))
  const of = (timings: readonly Timing[], share: number) =>
    quantile(
      timings.map(({ firstByte }) => firstByte),
      share,
    )
  return [
    name,
    microseconds(of(all.direct, 0.5)),
    microseconds(of(all.direct, 0.95)),
    microseconds(of(all.gateway, 0.5)),
    microseconds(of(all.gateway, 0.95)),
    `**${microseconds(addedBy(all, 'firstByte'))}**`,
    microseconds(of(all.gateway, 0.95) - of(all.direct, 0.95)),
    `${microseconds(Math.min(...added))} to ${microseconds(Math.max(...added))}`,
    microseconds(addedBy(all, 'there')),
    microseconds(addedBy(all, 'back')),
  ]
}

function addedBy({ direct, gateway }: Pair, part: keyof Timing): number {
  return median(gateway.map((timing) => timing[part])) - median(direct.map((timing) => timing[part]))
}
