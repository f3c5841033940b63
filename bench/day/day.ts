/** One contender's day: people, their clients, the gateway and the upstreams. */
import type { Strategy } from '../../src/data/tables/upstreams.ts'
import { chance } from './chance.ts'
import { client, type Experience, newExperience } from './client.ts'
import { virtualTime } from './clock.ts'
import { clouds, type Place, type Quotas, type Seen } from './clouds.ts'
import { gateway } from './gateway.ts'
import { work } from './people.ts'

export interface Contender {
  id: string
  name: string
  strategy: Strategy
  headroom: boolean
  /** Whether the gateway was told the quotas. */
  told: boolean
  /** Its clients do not say their session: each call is anybody's. */
  nameless?: true
  /** One upstream of which there is always enough. */
  infinite?: true
}

export interface DayWish {
  seed: number
  developers: number
  /** Hours. */
  length: number
  places: readonly Place[]
  /** Tokens a minute of each place. */
  quotas: Quotas
}

export interface Day {
  experience: Experience
  seen: Seen
  detours: number
  /** Seconds that it took to simulate. */
  took: number
}

const MORNING = Date.UTC(2026, 10, 20, 9)
const HOUR = 3_600_000

export async function liveDay(contender: Contender, wish: DayWish): Promise<Day> {
  const started = performance.now()
  const time = virtualTime(MORNING)
  const places = contender.infinite ? wish.places.slice(0, 1) : wish.places
  const world = clouds(time, places, contender.infinite ? undefined : wish.quotas)
  const { strategy, headroom, told } = contender
  const quotas = told ? wish.quotas : undefined
  const { developers } = wish
  const luck = chance(wish.seed)
  const { next } = luck.fork()
  const lent = { time, fetch: world.fetch, chance: next }
  const built = await gateway({ ...lent, places, strategy, headroom, quotas, developers })
  const experience = newExperience()
  const hours = { begin: MORNING, length: wish.length * HOUR }
  const isNameless = contender.nameless ?? false
  const days = Array.from({ length: developers }, (_, number) => {
    const patience = luck.fork()
    const one = client({ gateway: built, clouds: world, time, luck: patience, isNameless }, experience)
    return work(number, luck.fork(), time, one, hours)
  })
  const all = Promise.all(days)
  await time.run()
  await all
  const took = (performance.now() - started) / 1_000
  return { experience, seen: world.seen, detours: built.detours(), took }
}
