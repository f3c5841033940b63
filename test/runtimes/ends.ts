/** The last tests, which take things down: the upstream, and then the gateway itself. */
import { expect } from 'vitest'
import { startFakeBedrock } from '../fakes/bedrock.ts'
import { expectRefusal, hello } from '../whole/caller.ts'
import { eventually } from '../whole/eventually.ts'
import { refuses } from '../whole/raw.ts'
import type { Part } from './stage.ts'
import { expectWhole, underWay } from './underway.ts'

export const ends: Part = (test, stage) => {
  test('Bedrock out of reach: refused, and answered once it is back', async () => {
    const port = Number(new URL(stage.fake.url).port)
    await stage.fake.close()
    const response = await stage.send(hello({ stream: true }))
    await expectRefusal(response, 500, 'api_error', /could not reach Amazon Bedrock/)
    expect(await stage.row()).toMatchObject({ status: 'refused', error_type: 'api_error' })
    stage.fake = await startFakeBedrock({ port })
    expect((await stage.send(hello())).status).toBe(200)
  })

  test(
    'SIGTERM: streams under way finish, nobody new is let in, and the rows are there at the next start',
    async (told) => {
      const { gateway, fake, key } = stage
      const texts = await underWay(stage, gateway, key.key, 10)
      const exit = gateway.stop()
      await eventually(async () => ((await refuses(gateway.port)) ? true : undefined), { within: 2_000 })
      expect(gateway.isRunning()).toBe(true)
      expectWhole(await Promise.all(texts))
      const finished = Date.now()
      expect(await exit).toEqual({ code: 0, signal: null })
      const stayed = Date.now() - finished
      told.note = `gone ${stayed} ms after`
      expect(stayed, 'how long it stayed, with nothing left to do').toBeLessThan(5_000)
      expect(gateway.stderr(), 'of all tests before').toBe('')
      const next = await stage.another({ bedrock: fake, dataDir: gateway.dataDir })
      const rows = await next.spend({ key: key.id })
      expect(rows).toHaveLength(10)
      for (const row of rows) expect(row).toMatchObject({ status: 'succeeded', usage_source: 'final' })
    },
    'signals',
  )
}
