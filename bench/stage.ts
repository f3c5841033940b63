/** What stands around the contenders for a run: the upstream, the load generator, and the stores, once each. */
import { findPostgres } from '../test/services/postgres.ts'
import { findRedis } from '../test/services/redis.ts'
import type { Around, Contender, Running } from './contenders/contender.ts'
import { ANYWHERE, type Cores, placeCores } from './cores.ts'
import type { Heard } from './generator/tally.ts'
import type { Job } from './generator.ts'
import { type Peer, startPeer } from './peer.ts'
import type { Manner } from './upstream/answers.ts'

type LoadJob = Extract<Job, { kind: 'load' }>
type CrowdJob = Extract<Job, { kind: 'crowd' }>

export interface Stage {
  cores: Cores
  /** Starts it on its core. @throws with the reason why it cannot be had. */
  start(contender: Contender): Promise<Running>
  /** From now on the upstream answers in this manner. */
  answer(manner: Manner): Promise<void>
  load(job: Omit<LoadJob, 'kind'>): Promise<Heard>
  /** How many streams are open then. */
  crowd(job: Omit<CrowdJob, 'kind'>): Promise<number>
  letGo(): Promise<void>
  close(): Promise<void>
}

interface Wish {
  /** Where profiles go, if any are wanted. */
  profiles?: string | undefined
  /** Whether contenders get a core to themselves, and this process and all others leave it. */
  placed: boolean
}

export async function setStage({ profiles, placed }: Wish): Promise<Stage> {
  const cores = placed ? await placeCores() : ANYWHERE
  const [upstream, generator] = await Promise.all([startPeer('upstream.ts'), startPeer('generator.ts')])
  const { port } = upstream.first as { port: number }
  const stores = storesOnDemand()
  const around: Around = { upstream: port, profiles, ...stores }
  return {
    cores,
    async start(contender) {
      const running = await contender.start(around)
      if (running.pid !== undefined) await cores.measure(running.pid)
      return running
    },
    answer: async (manner) => void (await upstream.ask(manner)),
    load: async (job) => asHeard(await told(generator, { kind: 'load', ...job })),
    crowd: async (job) => (await told<{ open: number }>(generator, { kind: 'crowd', ...job })).open,
    letGo: async () => void (await told(generator, { kind: 'let go' })),
    async close() {
      await generator.stop()
      await upstream.stop()
      await stores.close()
    },
  }
}

async function told<Answer = Heard>(generator: Peer, job: Job): Promise<Answer> {
  return (await generator.ask(job)) as Answer
}

/** JSON, by which processes speak, has no NaN. */
function asHeard(heard: Heard): Heard {
  for (const times of [heard.whole, heard.first, heard.gap, heard.refusal]) {
    times.p50 ??= Number.NaN
    times.p99 ??= Number.NaN
  }
  return heard
}

function storesOnDemand() {
  const started: Promise<{ close(): Promise<void> }>[] = []
  const once = <Store extends { close(): Promise<void> }>(
    find: () => Promise<{ start(): Promise<Store> } | { missing: string }>,
  ) => {
    let store: Promise<Store> | undefined
    return () => {
      if (!store) {
        store = find().then((found) => {
          if ('missing' in found) throw new Error(found.missing)
          return found.start()
        })
        started.push(store)
      }
      return store
    }
  }
  return {
    postgres: once(findPostgres),
    redis: once(findRedis),
    async close() {
      for (const store of await Promise.allSettled(started))
        if (store.status === 'fulfilled') await store.value.close()
    },
  }
}
