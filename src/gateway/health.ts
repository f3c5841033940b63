/** Whether calls to an upstream are bound to fail, as far as its last survey says. */
import { DECISIVE } from '../protocol/findings.ts'
import type { Configured } from './routing/upstreams.ts'

export interface Health {
  healthy: boolean
  /** One sentence. */
  reason?: string | undefined
}

const HEALTHY: Health = { healthy: true }

/**
 * Unhealthy is only what every call would fail for: credentials that are missing or refused, a role that may not be
 * taken on. What a survey could not find out is nothing against an upstream.
 */
export function healthOf({ findings }: Pick<Configured, 'findings'>): Health {
  const broken = findings?.checks.find(({ action, verdict }) => verdict === 'refused' && DECISIVE.has(action))
  return broken ? { healthy: false, reason: broken.says } : HEALTHY
}
