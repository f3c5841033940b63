/** Notices on a real database in memory: a gateway, an inbox to deliver to, and channels that lead there. */
import { sql } from 'drizzle-orm'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { NewNotice } from '../../src/data/notices.ts'
import { draftChannel } from '../../src/gateway/channels.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { inMemory } from '../data/databases.ts'
import { type Inbox, startInbox } from '../fakes/inbox.ts'
import type { Changes, TestRuntime } from '../runtime.ts'
import { reachingRuntime, SECRET } from './sending.ts'

export interface Stage {
  data: Data
  inbox: Inbox
  /** Another replica on the same database. */
  replica(changes?: Changes): TestRuntime
  /** An active channel that posts to this path of the inbox. */
  channel(path: string, more?: { kind?: string; kinds?: string[]; teams?: string[] }): Promise<string>
  raise(more?: Partial<NewNotice>): Promise<void>
  /** Everything that waits becomes due. */
  timePasses(): Promise<void>
  /** Nothing is left of before. */
  clear(): Promise<void>
  close(): Promise<void>
}

export async function noticeStage(): Promise<Stage> {
  const opened = await inMemory()
  const inbox = await startInbox()
  const data = dataIn(opened.database, () => {})
  const replica = (changes: Changes = {}) => reachingRuntime({ data, ...changes })
  let made = 0
  return {
    data,
    inbox,
    replica,
    async channel(path, { kind = 'webhook', ...more } = {}) {
      const settings: Settings = {
        url: `${inbox.url}${path}`,
        ...(kind === 'webhook' ? { secret: SECRET } : {}),
      }
      const runtime = replica()
      const draft = await draftChannel(runtime, { kind, name: path, settings, ...more })
      await data.channels.create({ ...draft, testedAt: new Date() })
      await data.channels.activate(draft.id)
      return draft.id
    },
    async raise(more = {}) {
      await data.notices.raise({
        kind: 'key_expiring',
        severity: 'info',
        subject: `key_expiring:key_${made++}`,
        teamId: null,
        sentence: 'A key expires.',
        detail: { number: made },
        ...more,
      })
    },
    async timePasses() {
      await opened.database.execute(sql`update deliveries set next_at = now() where state = 'waiting'`)
    },
    async clear() {
      inbox.posted.length = 0
      inbox.answer(() => ({ status: 200 }))
      for (const table of ['notices', 'deliveries', 'channels', 'requests', 'keys'])
        await opened.database.execute(sql.raw(`delete from ${table}`))
    },
    async close() {
      await inbox.close()
      await opened.close()
    },
  }
}
