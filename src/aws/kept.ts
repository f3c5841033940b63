/**
 * Credentials that are kept and renewed: beside the requests and long before they expire, so that none of them waits.
 * Keys that still work go on working while they cannot be renewed.
 */
import type { CredentialSource, Credentials, KeepAlive } from '../aws.ts'

export interface Keeping {
  /** Whether requests may wait for one load together (see data/cache.ts); where not, a renewal needs to be kept alive. */
  shareLoads?: boolean
  /** 0 to 1, to spread renewals. */
  random?: () => number
  /** A renewal failed, beside the requests: the present ones last for so many milliseconds. */
  failed?: ((error: unknown, left: number) => void) | undefined
}

/** They are renewed when between half and three fifths of their time is over. */
const RENEW_AT = 0.5
const SPREAD = 0.1
/** Where nothing can be done beside a request, one that comes within five minutes of the end does it. */
const INLINE = 5 * 60_000
/** Too near the end to be sent: a request is on its way for a while. At most a twentieth of their time. */
const MARGIN = 10_000
const OF_LIFE = 20
/** After a renewal that failed the next is an eighth of what is left away, a minute at most. */
const OF_LEFT = 8
const PAUSE = 60_000

interface Held {
  credentials: Credentials
  expiresAt: number
  /** When they are too near their end to be sent. */
  lastAt: number
  renewAt: number
}

/** Keeps what `load` gives. Asks once however many wait for the first of them. */
export function keptCredentials(
  load: () => Promise<Credentials>,
  now: () => number,
  { shareLoads = true, random = Math.random, failed }: Keeping = {},
): CredentialSource {
  let held: Held | undefined
  let loading: Promise<Credentials> | undefined

  async function loaded(): Promise<Credentials> {
    const fresh = await load()
    const credentials = 'bearer' in fresh ? fresh : { ...fresh, derived: new Map(), places: new Map() }
    const at = now()
    const expiresAt = fresh.expiresAt ?? Number.POSITIVE_INFINITY
    const life = expiresAt - at
    held = {
      credentials,
      expiresAt,
      lastAt: expiresAt - Math.min(MARGIN, life / OF_LIFE),
      renewAt: at + life * (RENEW_AT + SPREAD * random()),
    }
    return credentials
  }

  function refresh(): Promise<Credentials> {
    if (!shareLoads) return loaded()
    loading ??= loaded().finally(() => {
      loading = undefined
    })
    return loading
  }

  function renew(old: Held, at: number, keepAlive: KeepAlive | undefined) {
    old.renewAt = at + Math.min(PAUSE, (old.expiresAt - at) / OF_LEFT) * (0.5 + random())
    const renewing = refresh().catch((error: unknown) => failed?.(error, old.expiresAt - now()))
    keepAlive?.(renewing)
  }

  async function orHeld(old: Held): Promise<Credentials> {
    return refresh().catch((error: unknown) => {
      if (now() < old.expiresAt) return old.credentials
      throw error
    })
  }

  return {
    get(keepAlive) {
      if (!held) return refresh()
      const at = now()
      if (at >= held.lastAt) return orHeld(held)
      if (at >= held.renewAt) {
        if (shareLoads || keepAlive) renew(held, at, keepAlive)
        else if (held.expiresAt - at <= INLINE) return orHeld(held)
      }
      return Promise.resolve(held.credentials)
    },
    reject(refused) {
      if (held?.credentials === refused) held = undefined
    },
  }
}
