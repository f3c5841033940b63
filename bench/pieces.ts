/**
 * `npm run bench:pieces`: what the gateway's processor time is made of. Servers that do one thing more than the one before
 * them take turns, from a raw pipe to the gateway; what the last of them spends is shown by source file.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../test/services/ports.ts'
import { ADMIN_TOKEN, awsVariables, SECRET_KEY } from '../test/whole/gateway.ts'
import { bedrockTarget, type Contender, type Running } from './contenders/contender.ts'
import { bedrock, targetOf } from './contenders/outcrop.ts'
import { pipe } from './contenders/pipe.ts'
import { busy, machine, median } from './figures.ts'
import { type Peer, startPeer } from './peer.ts'
import { type Climb, does, STEPS, type StepName } from './pieces/ladder.ts'
import { pageOf } from './pieces/page.ts'
import type { Part } from './pieces/profile.ts'
import type { Told } from './pieces/server.ts'
import { playRound, warmUp } from './rounds.ts'
import { type Scenario, scenarioOf } from './scenarios.ts'
import { type Stage, setStage } from './stage.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, docs: { type: 'boolean', default: false } },
})
const ROUNDS = Number(values.rounds)
if (!(ROUNDS > 0)) throw new Error('--rounds is a number above zero')
const PAGE = join(import.meta.dirname, '..', 'docs', 'performance-pieces.md')

/** A round, and what a server gets warm by: the gateway's own code is compiled after some four thousand requests. */
const SECONDS = 0.4
const WARM_UP = { requests: 5_000, seconds: 15 }
const AGAIN = { requests: 200, seconds: 0.1 }
const PROFILED = { requests: 100_000, seconds: 4 }

interface Climber {
  step: StepName
  running: Running
  peer: Peer | undefined
}

async function bench() {
  const stage = await setStage({ placed: true })
  try {
    const climbers: Climber[] = []
    for (const { name } of STEPS) climbers.push(await start(stage, name))
    const climbs: Climb[] = []
    for (const name of ['json-100k', 'burst']) climbs.push(await climb(stage, climbers, scenarioOf(name)))
    const parts = await profiled(stage, climbers)
    const page = pageOf({
      climbs,
      parts,
      machine: machine(),
      cores: stage.cores.told,
      busy: busy(),
      rounds: ROUNDS,
    })
    console.log(page)
    if (values.docs) await writeFile(PAGE, page)
    for (const { running } of climbers) await running.stop()
  } finally {
    await stage.close()
  }
}

async function climb(stage: Stage, climbers: readonly Climber[], whole: Scenario): Promise<Climb> {
  const scenario: Scenario = { ...whole, load: { kind: 'closed', inFlight: 10, seconds: SECONDS } }
  const samples = new Map<StepName, number[]>(climbers.map(({ step }) => [step, []]))
  for (const { step, running } of climbers) {
    say(`${scenario.title}: warming up ${step}`)
    await warmUp(stage, running, scenario, WARM_UP)
  }
  for (let round = 1; round <= ROUNDS; round++) {
    say(`${scenario.title}: round ${round}`)
    for (const { step, running } of climbers) {
      await warmUp(stage, running, scenario, AGAIN)
      const { figures, trouble } = await playRound(stage, running, scenario)
      if (trouble !== undefined) throw new Error(`${step}: ${trouble}`)
      samples.get(step)?.push(figures.cpu ?? Number.NaN)
    }
  }
  return { scenario, cpu: new Map([...samples].map(([step, list]) => [step, median(list)])) }
}

async function profiled(stage: Stage, climbers: readonly Climber[]): Promise<Part[]> {
  const last = climbers.at(-1)
  if (!last?.peer) return []
  say(`profiling ${last.step}`)
  await last.peer.ask('watch' satisfies Told)
  await warmUp(stage, last.running, scenarioOf('json-100k'), PROFILED)
  return (await last.peer.ask('tell' satisfies Told)) as Part[]
}

/** On the core for whoever is measured. */
async function start(stage: Stage, step: StepName): Promise<Climber> {
  say(`starting ${step}`)
  let peer: Peer | undefined
  const contender: Contender = {
    name: step,
    title: step,
    async start(around) {
      if (step === 'pipe') return pipe.start(around)
      // It passes what it is asked on as it stands: the path is what makes the answer a stream.
      if (step === 'stream') return streaming(await pipe.start(around))
      const home = await mkdtemp(join(tmpdir(), 'outcrop-pieces-'))
      const stores = does(step, 'rooms')
        ? ([await around.postgres(), await around.redis()] as const)
        : undefined
      const env = stores && {
        DATABASE_URL: await stores[0].url(`pieces_${step}`),
        REDIS_URL: stores[1].url,
        SECRET_KEY,
        ADMIN_TOKEN,
        HOST: '127.0.0.1',
        PORT: String(await freePort()),
        DATA_DIR: home,
        LOG_FORMAT: 'json',
        ...awsVariables({ bedrock: bedrock(around) }),
      }
      const started = await startPeer('pieces/server.ts', [step, String(around.upstream)], env)
      peer = started
      const { port, key = 'nobody' } = started.first as { port: number; key?: string }
      const target = targetOf(port, key)
      return {
        version: process.versions.node,
        pid: started.pid,
        target: () => target,
        async stop() {
          await started.stop()
          await rm(home, { recursive: true, force: true })
        },
      }
    },
  }
  return { step, running: await stage.start(contender), peer }
}

function streaming(running: Running): Running {
  const { port } = running.target(true)
  return { ...running, target: () => bedrockTarget(port, true) }
}

/** With the seconds since the start. */
function say(what: string) {
  process.stderr.write(`${process.uptime().toFixed(0).padStart(4)} s  ${what}\n`)
}

// Whoever is still running is ended on the way out.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
await bench()
process.exit(0)
