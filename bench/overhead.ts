/**
 * What the gateway adds to the time to first byte: the same requests to a fast fake Bedrock directly and through the
 * built gateway, in turns, one at a time. `npm run bench:overhead`; what stands behind `--` goes to the gateway's Node.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { messagesBody, SESSION } from './body.ts'
import { type Send, sender, type Timing } from './client.ts'
import { busy, machine, median, microseconds, quantile, table } from './figures.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { QUICK, serveUpstream, startUpstream, THINKS, THOUGHTFUL, UPSTREAM } from './upstream.ts'

interface Case {
  name: string
  bytes: number
  model: string
  stream: boolean
}

const CASES: readonly Case[] = [
  { name: '1 KB, streamed', bytes: 1_000, model: QUICK, stream: true },
  { name: '100 KB, streamed', bytes: 100_000, model: QUICK, stream: true },
  { name: '1 MB, streamed', bytes: 1_000_000, model: QUICK, stream: true },
  { name: '100 KB, in one piece', bytes: 100_000, model: QUICK, stream: false },
  { name: `100 KB, streamed after ${THINKS} ms`, bytes: 100_000, model: THOUGHTFUL, stream: true },
]

/** Requests of a case before anything is measured, each way: Node compiles what runs often. */
const WARM_UP = 100
const ROUNDS = 5
/** Requests of a case in one round, each way. */
const REQUESTS = 40
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

/** @param flags for the gateway's Node */
async function measure(flags: readonly string[]) {
  const upstream = await startUpstream()
  const gateway = await startGateway(upstream.url, flags)
  const load = busy()
  print(await allRounds(upstream.url, gateway), load)
  const trouble = await gateway.stop()
  upstream.process.disconnect()
  if (trouble.length > 0) throw new Error(`The gateway complained:\n${trouble.join('\n')}`)
}

async function allRounds(upstream: string, gateway: Gateway): Promise<Map<Case, Pair>[]> {
  const prepared = CASES.map((each) => ({
    each,
    body: messagesBody(each),
    routes: routesOf(each, upstream, gateway),
  }))
  for (const { each, body, routes } of prepared) {
    if (each.model === QUICK) await inTurns(body, routes, { requests: WARM_UP, pause: 0 })
  }
  const rounds: Map<Case, Pair>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const pairs = new Map<Case, Pair>()
    for (const { each, body, routes } of prepared) {
      pairs.set(each, await inTurns(body, routes, { requests: REQUESTS, pause: PAUSE }))
    }
    rounds.push(pairs)
  }
  return rounds
}

async function inTurns(
  body: Buffer,
  { direct, gateway }: Routes,
  { requests, pause }: { requests: number; pause: number },
): Promise<Pair> {
  const pair: Pair = { direct: [], gateway: [] }
  for (let request = 0; request < requests; request++) {
    pair.direct.push(await direct(body))
    await sleep(pause)
    pair.gateway.push(await gateway(body))
    await sleep(pause)
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

const HEAD = [
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
const LEGEND = `
added: gateway less direct. rounds: the least and the most that the median of a round is. there: of the added median,
until the upstream has the whole request; back: from its first byte on. How long it thinks is not counted.`

function print(rounds: readonly Map<Case, Pair>[], load: string) {
  const rows = CASES.map((each) =>
    row(
      each,
      rounds.flatMap((round) => round.get(each) ?? []),
    ),
  )
  console.log('Time to first byte in microseconds: one request at a time, kept connections, loopback.')
  console.log(`${machine()}; ${load}. ${ROUNDS} rounds of ${REQUESTS} requests each way.\n`)
  console.log(table(HEAD, rows))
  console.log(LEGEND)
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

if (process.argv[2] === UPSTREAM) await serveUpstream()
else await measure(process.argv.slice(2))
