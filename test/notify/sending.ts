/** A message sent through a channel for real: over the guard, or signed, to a server on this machine. */

import type { ChannelRow } from '../../src/data/channels.ts'
import { checkedSettings } from '../../src/gateway/channels.ts'
import { attempt } from '../../src/gateway/deliver.ts'
import { pinnedEgress } from '../../src/host/egress.ts'
import type { Message } from '../../src/notify/channel.ts'
import { sendBy } from '../../src/protocol/send.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { type Changes, type TestRuntime, testRuntime } from '../runtime.ts'

export const SECRET = `whsec_${Buffer.from('thirty-two bytes for the tests!!').toString('base64')}`

export const MESSAGE: Message = {
  id: 'notice_1',
  kind: 'key_expiring',
  severity: 'warning',
  subject: 'key_expiring:key_1:1d:2026-11-21T12:00:00Z',
  team: 'team_1',
  sentence: "The key 'Zoë <!channel>\n&\u2028more' expires within a day.",
  detail: { key: 'key_1', user: null, left: 1 },
  createdAt: '2026-11-20T12:00:00.000Z',
}

/** With what is in these places allowed, and real servers to be reached. */
export function reachingRuntime(changes: Changes = {}): TestRuntime {
  return testRuntime({
    fetch: sendBy(fetch),
    now: Date.now,
    egress: pinnedEgress({ loopback: true }),
    ...changes,
  })
}

/** The problem, if there was one. */
export async function sendThrough(
  runtime: TestRuntime,
  kind: string,
  settings: Settings,
  message: Message = MESSAGE,
): Promise<string | undefined> {
  const failure = await attempt(runtime, await rowOf(runtime, kind, settings), message)
  return failure?.problem
}

async function rowOf(runtime: TestRuntime, kind: string, settings: Settings): Promise<ChannelRow> {
  const id = 'channel_1'
  return {
    id,
    kind,
    name: 'test',
    ...(await checkedSettings(runtime, { id, kind }, settings)),
    state: 'active',
    testedAt: null,
    kinds: null,
    teams: null,
    createdAt: new Date(),
    archivedAt: null,
  }
}
