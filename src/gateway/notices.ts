/** What people are told of: every kind of notice there is, and what a channel makes of one. */
import type { Notice } from '../data/notices.ts'
import type { Message } from '../notify/channel.ts'

/** `test` is sent by hand, through one channel. */
export const NOTICE_KINDS = [
  'budget_threshold',
  'budget_spent',
  'key_expiring',
  'key_expired',
  'upstream_down',
  'upstream_degraded',
  'upstream_unhealthy',
  'upstream_back',
  'serving_from_secondary',
  'credentials_failing',
  'quota_saturated',
  'error_rate',
  'unpriced_usage',
  'spool_growing',
  'rows_quarantined',
  'test',
] as const

export const SEVERITIES = ['info', 'warning', 'critical'] as const

const HOUR = 3_600_000

/** The hour that a time is in, as a window in a subject: `2026-11-20T12`. */
export function hourOf(now: number): string {
  return new Date(now - (now % HOUR)).toISOString().slice(0, 13)
}

export function messageOf(notice: Notice): Message {
  const { id, kind, severity, subject, teamId, sentence, detail, createdAt } = notice
  return { id, kind, severity, subject, team: teamId, sentence, detail, createdAt: createdAt.toISOString() }
}
