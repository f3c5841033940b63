/**
 * The credentials of upstreams that are in use, for as long as the process lives: each kept once, the least recently used
 * forgotten first.
 */

import type { Keeping } from '../../aws/kept.ts'
import { type CredentialSource, type Credentials, keptCredentials } from '../../aws.ts'

/** What the surroundings of the gateway give to make credentials of. */
export interface Means {
  /** Undefined where the gateway has none of its own, and why: one sentence. */
  own: Readonly<Record<'aws' | 'google', CredentialSource | { missing: string }>>
  /** Where there is a disk. */
  readFile?: ((path: string) => Promise<string>) | undefined
  /** Whether requests may wait for one load together. */
  shareLoads: boolean
}

export interface Keyring {
  means: Means
  of(upstreamId: string, asked: Asked): CredentialSource
}

interface Asked extends Pick<Keeping, 'failed'> {
  /** What they are made of: with another one, those of before are of no use. */
  version: string
  /** Whose session, where an upstream has several. */
  session: string
  load(): Promise<Credentials>
}

/** So many sessions are kept; a session takes about 2 KB. */
const MOST_SESSIONS = 5_000

export function newKeyring(means: Means, now: () => number, most = MOST_SESSIONS): Keyring {
  const kept = new Map<string, CredentialSource>()
  const versions = new Map<string, { version: string; serial: number }>()
  let serials = 0

  function serialOf(upstreamId: string, version: string): number {
    const known = versions.get(upstreamId)
    if (known?.version === version) return known.serial
    versions.delete(upstreamId)
    versions.set(upstreamId, { version, serial: ++serials })
    if (versions.size > most) versions.delete(versions.keys().next().value ?? '')
    return serials
  }

  return {
    means,
    of(upstreamId, { version, session, load, failed }) {
      const name = `${upstreamId} ${serialOf(upstreamId, version)} ${session}`
      const source = kept.get(name) ?? keptCredentials(load, now, { shareLoads: means.shareLoads, failed })
      kept.delete(name)
      kept.set(name, source)
      if (kept.size > most) kept.delete(kept.keys().next().value ?? '')
      return source
    },
  }
}
