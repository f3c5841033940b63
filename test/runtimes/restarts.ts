/** A rolling restart on a Postgres that replicas share: nothing under way is lost, nothing new is refused. */

import { expect } from 'vitest'
import { startRelay } from '../services/relay.ts'
import { ask, said } from '../whole/caller.ts'
import { SECRET_KEY } from '../whole/gateway.ts'
import type { Part } from './stage.ts'
import { expectWhole, underWay } from './underway.ts'

const STREAMS = 50

export const restarts: Part = (test, stage) => {
  test(
    'a rolling restart under 50 streams: one replica makes way for the next, and no stream is lost',
    async () => {
      const env = {
        DATABASE_URL: await stage.database(),
        SECRET_KEY,
      }
      const replica = () => stage.another({ bedrock: stage.fake, env })
      const first = await replica()
      const next = await replica()
      const { id, key } = await first.makeKey()
      const front = await startRelay({ host: '127.0.0.1', port: first.port })
      const door = { url: `http://127.0.0.1:${front.port}` }
      const before = await underWay(stage, door, key, STREAMS)
      front.leadTo(next.port)
      const exit = first.stop()
      const fresh = { 'x-api-key': key, connection: 'close' }
      const after = await Promise.all(['!say 1', '!say 2'].map((words) => ask(door, said(words), fresh)))
      expect(after.map(({ status }) => status)).toEqual([200, 200])
      expectWhole(await Promise.all(before))
      expect(await exit).toEqual({ code: 0, signal: null })
      const rows = await next.settled(STREAMS + after.length, { key: id })
      for (const row of rows) expect(row).toMatchObject({ status: 'succeeded', usage_source: 'final' })
      expect(first.stderr() + next.stderr()).toBe('')
      await front.close()
    },
    'signals',
    'postgres',
  )
}
