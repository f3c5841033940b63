/** The upper half of the ladder: the gateway itself, with what a step has not come to yet left out of its runtime. */
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { app } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { type Ledger, ledgerIn } from '../../src/data/ledger.ts'
import { undiciSend } from '../../src/host/fetch.ts'
import { gathered } from '../../src/host/lines.ts'
import { listenOnNode } from '../../src/host/nodehttp.ts'
import { openHost } from '../../src/host/open.ts'
import { visited } from '../../src/host/run.ts'
import { openSpool } from '../../src/host/spool.ts'
import { stopping } from '../../src/host/stopping.ts'
import { logTo } from '../../src/protocol/log.ts'
import type { Log, Runtime } from '../../src/runtime.ts'
import { administration } from '../../test/whole/gateway.ts'
import { LIMITS } from '../contenders/outcrop.ts'
import { does, type StepName } from './ladder.ts'

export interface Served {
  port: number
  key?: string
}

const ROOT = new URL('../../', import.meta.url)
const silent: Log = () => {}

/** Serves one step of the ladder from `rooms` on. The environment is the gateway's. */
export async function serveHouse(step: StepName): Promise<Served> {
  const config = readConfig(process.env)
  const host = await openHost({
    env: process.env,
    config,
    log: does(step, 'log') ? aloud(config.logLevel) : silent,
    fetch: undiciSend(),
    migrations: fileURLToPath(new URL('drizzle', ROOT)),
    portal: fileURLToPath(new URL('dist/portal', ROOT)),
    stopping: stopping(),
  })
  await host.ready
  const runtime = lessOf(host.runtime, step)
  const { port } = await listenOnNode(
    (request, peer, by) => app.fetch(request, visited(runtime, peer, by)),
    config,
  )
  const { admin } = administration(`http://127.0.0.1:${port}`, config.adminToken ?? '')
  const limits = does(step, 'limits') ? { limits: LIMITS } : {}
  const made = await admin('POST', '/keys', { name: 'benchmark', ...limits })
  const { key } = (await made.json()) as { key: string }
  return { port, key }
}

function lessOf(runtime: Runtime, step: StepName): Runtime {
  const { data } = runtime
  if (does(step, 'ledger')) return runtime
  const ledger = does(step, 'spool') ? ledgerOnDisk(runtime) : { ...data.ledger, write: async () => {} }
  return { ...runtime, data: { ...data, ledger } }
}

/** Its rows are kept on the disk, and a database that does nothing takes them. */
function ledgerOnDisk({ data, config }: Runtime): Ledger {
  const spool = openSpool(join(config.dataDir, 'pieces'), silent)
  const requests = { ...data.ledger, upsert: async () => {} }
  return ledgerIn({ requests, quarantine: { hold: async () => {} } }, silent, { spool })
}

function aloud(level: Parameters<typeof logTo>[0]['level']): Log {
  const write = gathered(process.stdout, (flush) => void once(process, 'exit').then(flush))
  return logTo({ level, format: 'json', now: Date.now, write })
}
