/** The life of a gateway process: start, say so, serve, drain, stop. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { hasCode } from './codes.ts'
import type { Host } from './open.ts'
import { welcome } from './welcome.ts'

/** How long answers under way may go on after SIGTERM, and the ledger after them. Milliseconds. */
const DRAIN = 600_000
const FLUSH = 10_000
const LET_GO_EVERY = 100

interface Started {
  host: Host
  server: Server
}

/** Starts, and stops on SIGTERM and SIGINT. What whoever starts it can put right is said in one sentence. */
export async function run(start: () => Promise<Started>): Promise<void> {
  const told = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  try {
    const started = await start()
    await announce(started)
    void told.then(() => stop(started)) // also when that was said while it started
  } catch (error) {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(1)
  }
}

function startFailure(error: unknown): string {
  if (error instanceof ConfigError) return `Outcrop cannot start:\n${error.message}`
  if (hasCode(error, 'EADDRINUSE')) {
    return 'Outcrop cannot start: the port is in use. Set PORT to another one.'
  }
  return `Outcrop cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

async function announce({ host: { runtime }, server }: Started) {
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = runtime.config.publicUrl ?? `http://${reachable(runtime.config.host)}:${port}`
  const words = await welcome(runtime, url)
  // Its own words, not a log line: it holds secrets, and logs are kept.
  if (words !== undefined) process.stdout.write(words)
  runtime.log('info', 'listening', { url, region: runtime.config.aws.region })
  runtime.waitUntil(advise(runtime))
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

async function stop({ host, server }: Started) {
  host.runtime.log('info', 'stopping: answers under way may finish')
  const closed = new Promise((resolve) => server.close(resolve))
  // A connection is let go when its answer is over: its client may keep it open, or ask again on it, for ever.
  server.prependListener('request', (_, response) => {
    response.shouldKeepAlive = false
  })
  setInterval(() => server.closeIdleConnections(), LET_GO_EVERY).unref()
  server.closeIdleConnections()
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, DRAIN).unref())])
  await host.close(FLUSH)
  process.exit(0)
}
