/** A new process takes over from an old one. */
import { expect } from 'vitest'
import type { Part } from './stage.ts'
import { expectWhole, underWay } from './underway.ts'

export const restarts: Part = (test, stage) => {
  test(
    'a rolling restart on one Postgres under 50 streams, and as many new ones, loses none',
    async () => {
      const env = {
        DATABASE_URL: await stage.database(),
        SECRET_KEY: 'only-for-tests-abcdefghijkl-0123456789',
      }
      const options = { bedrock: stage.fake, env }
      const [first, second] = [await stage.another(options), await stage.another(options)]
      const { id, key } = await first.makeKey()
      const before = await underWay(stage, first, key, 50)
      const exit = first.stop()
      const after = await underWay(stage, second, key, 50)
      expectWhole(await Promise.all([...before, ...after]))
      expect(await exit).toEqual({ code: 0, signal: null })
      const rows = await second.settled(100, { key: id })
      for (const row of rows) expect(row).toMatchObject({ status: 'succeeded', usage_source: 'final' })
    },
    'signals',
    'postgres',
  )
}
