/** The life of a gateway process: start, say so, serve, drain, stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Config, ConfigError, readConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { hasCode } from '../protocol/codes.ts'
import { logTo } from '../protocol/log.ts'
import type { Log, Runtime } from '../runtime.ts'
import type { Cluster } from './cluster/cluster.ts'
import { undiciSend } from './fetch.ts'
import { gathered } from './lines.ts'
import type { Listen, Listening } from './listening.ts'
import { type Host, openHost } from './open.ts'
import { addressOf } from './peers.ts'
import { type Stop, stopping } from './stopping.ts'
import { welcome } from './welcome.ts'

/** What a runtime brings. */
interface Brought {
  app: { fetch(request: Request, runtime: Runtime): Response | Promise<Response> }
  listen: Listen
  /** Where it can serve with several processes. */
  cluster?: Cluster
  /** The folder that `drizzle` and `dist` are in. */
  home: URL
}

/** How long the last words of answers that are cut, and the ledger after them, may take. Milliseconds. */
const LAST_WORDS = 2_000
const FLUSH = 10_000

/** How long the database is waited for before requests are taken, to be refused until it answers. */
const HEAD_START = 3_000

interface Started {
  host: Host
  listening: Listening
  stop: Stop
}

/** Starts, and stops on SIGTERM and SIGINT. What whoever starts it can put right is said in one sentence. */
export async function run(brought: Brought): Promise<void> {
  const { cluster } = brought
  const told = signalled(cluster)
  try {
    const config = readConfig(process.env)
    const log = logOf(config)
    if (config.workers > 1 && !cluster?.isWorker) return await leadWith(cluster, config, log, told)
    const started = await start(brought, config, log)
    await announce(started)
    void told.then(() => end(started)) // also when that was said while it started
  } catch (error) {
    fail(error)
  }
}

/** @throws ConfigError where there is no cluster. */
async function leadWith(cluster: Cluster | undefined, { workers }: Config, log: Log, told: Promise<void>) {
  if (!cluster) throw new ConfigError('WORKERS must be 1 on this runtime: start several gateways instead')
  process.exit(await cluster.lead({ workers, log, told }))
}

function logOf({ logLevel: level, logFormat }: Config): Log {
  const format = logFormat ?? (process.stdout.isTTY ? 'text' : 'json')
  const write = gathered(process.stdout, (flush) => process.on('exit', flush))
  return logTo({ level, format, now: Date.now, write })
}

/** What is wrong with the configuration ends it also when it comes out late; a database that went away again does not. */
function failOrSay({ log }: Runtime) {
  return (error: unknown) => {
    if (error instanceof ConfigError) fail(error)
    log('warn', 'the first key could not be made: the next start tries again')
  }
}

function fail(error: unknown): never {
  process.stderr.write(`${startFailure(error)}\n`)
  process.exit(1)
}

/** The first signal asks; the second one does not. A worker hears from its primary alone, which a terminal tells too. */
function signalled(cluster: Cluster | undefined): Promise<void> {
  return new Promise((resolve) => {
    let isTold = false
    const tell = () => {
      if (isTold) process.exit(1)
      isTold = true
      resolve()
    }
    process.on('SIGTERM', tell)
    process.on('SIGINT', cluster?.isWorker ? () => {} : tell)
    if (cluster?.isWorker) cluster.whenAlone(resolve)
  })
}

async function start({ app, listen, home, cluster }: Brought, config: Config, log: Log): Promise<Started> {
  const clientAddress = addressOf(config)
  const stop = stopping()
  const host = await openHost({
    env: process.env,
    config,
    log,
    fetch: undiciSend(),
    migrations: fileURLToPath(new URL('drizzle', home)),
    portal: fileURLToPath(new URL('dist/portal', home)),
    stopping: stop,
    follow: cluster?.isWorker ? cluster.follow : undefined,
  })
  await Promise.race([host.ready, sleep(HEAD_START, undefined, { ref: false })])
  const { runtime } = host
  const listening = await listen(
    (request, peer, by) => app.fetch(request, visited(runtime, clientAddress(request, peer), by)),
    runtime.config,
  )
  return { host, listening, stop }
}

/**
 * The runtime as one request sees it. By inheritance: a copy of so many members is an object that V8 knows nothing of,
 * 20 microseconds and 1 KB a request.
 */
export function visited(
  runtime: Runtime,
  clientAddress: string | undefined,
  by: Pick<Runtime, 'whole' | 'stream' | 'gone'> = {},
): Runtime {
  const visit: Runtime = Object.create(runtime)
  visit.clientAddress = clientAddress
  visit.whole = by.whole
  visit.stream = by.stream
  visit.gone = by.gone
  return visit
}

function startFailure(error: unknown): string {
  if (error instanceof ConfigError) return `Outcrop cannot start:\n${error.message}`
  if (hasCode(error, 'EADDRINUSE')) {
    return 'Outcrop cannot start: the port is in use. Set PORT to another one.'
  }
  return `Outcrop cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

async function announce({ host: { runtime, ready }, listening }: Started) {
  const url = runtime.config.publicUrl ?? `http://${reachable(runtime.config.host)}:${listening.port}`
  const greeted = ready.then(() => greet(runtime, url)).catch(failOrSay(runtime))
  if (await runtime.isReady()) await greeted
  runtime.log('info', 'listening', { url, region: runtime.config.aws.region })
  runtime.waitUntil(advise(runtime))
}

async function greet(runtime: Runtime, url: string) {
  const words = await welcome(runtime, url)
  // Its own words, not a log line: it holds secrets, and logs are kept.
  if (words !== undefined) process.stdout.write(words)
}

/** Where this machine reaches what listens everywhere; from elsewhere it is what PUBLIC_URL says. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** Says at once what the first request would run into. */
async function advise({ config, credentials, log }: Runtime) {
  if (config.upstreams.includes('bedrock') && config.aws.region === undefined)
    log('warn', 'No AWS region: set AWS_REGION, for example AWS_REGION=us-east-1.')
  for (const provider of config.upstreams) {
    await credentials[provider].get().catch((error: unknown) => {
      log('warn', error instanceof GatewayError ? error.message : 'credentials could not be read', {
        provider,
      })
    })
  }
}

/** Lets answers under way finish, for a while; then cuts them with a last word, and closes the books. */
async function end({ host, listening, stop }: Started) {
  const { config, log } = host.runtime
  log('info', 'stopping: answers under way may finish', { seconds: config.drainSeconds })
  stop.begin()
  const over = () => true
  const drained = listening.drained().then(over, over)
  const within = (milliseconds: number) => Promise.race([drained, sleep(milliseconds, false)])
  if (!(await within(config.drainSeconds * 1_000))) {
    log('warn', 'stopping: answers under way are cut')
    stop.end()
    await within(LAST_WORDS)
  }
  await host.close(FLUSH)
  process.exit(0)
}
