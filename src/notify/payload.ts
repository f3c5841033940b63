/** A message in JSON, the same for every channel that machines read: docs/notices.md describes it. */
import type { Message } from './channel.ts'

/** Rises when a field changes its meaning; new fields do not raise it. */
const VERSION = 1

export function payloadOf(message: Message) {
  const { id, kind, severity, subject, team, sentence, detail, createdAt } = message
  return {
    source: 'outcrop',
    version: VERSION,
    id,
    kind,
    severity,
    subject,
    team,
    sentence,
    detail,
    created_at: createdAt,
  }
}
