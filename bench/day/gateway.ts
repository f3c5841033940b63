/** The gateway of a simulated day: the whole app, in virtual time, with its stores in memory. */
import { app } from '../../src/app.ts'
import { memoryBindings } from '../../src/data/bindings/memory.ts'
import { memoryCache } from '../../src/data/cache.ts'
import { memoryLimits } from '../../src/data/limits/memory.ts'
import type { Strategy } from '../../src/data/tables/upstreams.ts'
import { newBreakers } from '../../src/gateway/routing/breaker.ts'
import { newHeadroom } from '../../src/gateway/routing/headroom.ts'
import { newSteering } from '../../src/gateway/routing/steering.ts'
import { configured } from '../../src/gateway/routing/upstreams.ts'
import { nodeHashes } from '../../src/host/hashes.ts'
import { counters } from '../../src/protocol/metrics.ts'
import type { Send } from '../../src/protocol/send.ts'
import { keyIn, testRuntime } from '../../test/runtime.ts'
import { addUpstream } from '../../test/upstreamrows.ts'
import type { VirtualTime } from './clock.ts'
import { accessKeyOf, MODELS, type Place, type Quotas } from './clouds.ts'

export interface GatewayWish {
  time: VirtualTime
  fetch: Send
  places: readonly Place[]
  strategy: Strategy
  /** Whether it goes by the room that accounts have; without, it finds out by being refused. */
  headroom: boolean
  /** As Service Quotas says them; undefined where it may not be asked. */
  quotas: Quotas | undefined
  developers: number
  /** For what the gateway leaves to chance. */
  chance(): number
}

export interface Gateway {
  request(
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    developer: number,
  ): Promise<Response>
  /** Attempts of calls after the first one. */
  detours(): number
}

export async function gateway(wish: GatewayWish): Promise<Gateway> {
  const { time, fetch, places, strategy, headroom, quotas } = wish
  const { now, rest } = time
  const steering = newSteering()
  steering.breakers = newBreakers(wish.chance)
  if (!headroom) steering.headroom = unaware()
  const runtime = testRuntime({
    now,
    rest,
    fetch,
    steering,
    hashes: nodeHashes,
    limits: memoryLimits(now),
    bindings: memoryBindings(now),
    cache: memoryCache({ entries: 10_000, now }),
    log() {},
    metrics: counters(),
    waitUntil(work) {
      void work.catch(() => {})
    },
  })
  runtime.clock.now = now()
  let detours = 0
  const attempts = new Map<string, number>()
  runtime.data.ledger.write = async (row) => {
    detours += row.attempts - (attempts.get(row.id) ?? 1)
    if (row.status === 'pending') attempts.set(row.id, row.attempts)
    else attempts.delete(row.id)
  }
  await runtime.data.settings.put('routing', { strategy })
  await addUpstream(runtime, { id: 'default', kind: 'environment', enabled: false })
  for (const [index, place] of places.entries()) await add(place, index)
  // Opening secrets takes real time, which virtual time must not overtake.
  for (const each of await configured(runtime)) await each.credentialsFor(undefined).get()
  const keys = await Promise.all(Array.from({ length: wish.developers }, () => keyIn(runtime)))
  // Where a session goes at first is told from its developer: the same each time.
  for (const [index, key] of runtime.keys.entries()) key.id = `key_${index}`

  async function add(place: Place, index: number) {
    const id = `upstream_${index}`
    await addUpstream(runtime, {
      id,
      region: place.region,
      priority: index,
      settings: { credentials: 'keys', accessKeyId: accessKeyOf(place) },
      secrets: { secretAccessKey: 'not a secret' },
    })
    if (!quotas) return
    runtime.surveys.push({
      upstreamId: id,
      at: new Date(now()),
      claimedUntil: null,
      findings: { checks: [], quotas: [quotaOf('main', quotas.main), quotaOf('small', quotas.small)] },
    })
  }

  return {
    detours: () => detours,
    async request(body, headers, developer) {
      const auth = keys[developer]?.headers
      const init = {
        method: 'POST',
        headers: { ...headers, ...auth, 'content-length': `${body.length}` },
        body,
      }
      return app.request('/v1/messages?beta=true', init, runtime)
    },
  }
}

function quotaOf(kind: keyof Quotas, tokensPerMinute: number) {
  const model = MODELS[kind]
  const name = `Cross-Region InvokeModel tokens per minute for ${model}`
  return { code: `L-${kind}`, name, model, reach: 'geography' as const, tokensPerMinute, adjustable: true }
}

/** Knows nothing of room, and learns nothing. */
function unaware(): ReturnType<typeof newHeadroom> {
  const { expect } = newHeadroom()
  return {
    expect,
    look: () => ({ room: 1, wait: 0 }),
    reserve: () => ({ wait: 0, isSaid: false, left: () => 0, ready: undefined, settle() {}, throttled() {} }),
    stands: () => [],
  }
}
