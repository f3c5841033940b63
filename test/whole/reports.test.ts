/** Reports on a large ledger, and the calls beside them. `npm run bench:ledger` measures it at any size. */
import connect from 'postgres'
import { expect, test } from 'vitest'
import { measure } from '../../bench/ledger/measure.ts'
import { stock } from '../../bench/ledger/stock.ts'
import { expectRefusal } from './caller.ts'
import { SECRET_KEY, startGateway } from './gateway.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const ROWS = 200_000
/** Milliseconds; far above what is measured, for a machine with much else to do. */
const MOST = 8_000

describeOnPostgres('reports', () => {
  const stage = postgresStage()

  test(`on ${ROWS} rows are there soon, and the calls beside them as well`, async () => {
    const { url, filled, derived } = await stock(stage.postgres, ROWS, () => {})
    const { reports, alone, beside, failed } = await measure({
      url,
      bedrock: stage.fake,
      seconds: 5,
      rounds: 6,
    })
    const slowest = Math.max(...reports.map(({ p95 }) => p95))
    const which = reports.find(({ p95 }) => p95 === slowest)?.name
    console.log(
      `${ROWS} rows written in ${filled.toFixed(1)} s, derived in ${derived.toFixed(1)} s; reports: slowest p95 ` +
        `${slowest.toFixed(0)} ms (${which}); first byte of /v1/messages p95 alone ${alone.p95.toFixed(0)} ms, beside reports ` +
        `${beside.p95.toFixed(0)} ms`,
    )
    expect(reports.length).toBeGreaterThan(8)
    expect(slowest).toBeLessThan(MOST)
    expect(beside.count).toBeGreaterThan(50)
    expect(beside.p95).toBeLessThan(alone.p95 + MOST / 5)
    expect(failed).toBe(0)
  }, 240_000)

  test('that take too long are given up, and keep nobody else waiting', async () => {
    const url = await stage.postgres.url('locked')
    const gateway = await startGateway({ bedrock: stage.fake, env: { DATABASE_URL: url, SECRET_KEY } })
    const client = connect(url, { max: 1 })
    try {
      await client.begin(async (inside) => {
        await inside`lock table hours in access exclusive mode`
        const reports = Array.from({ length: 4 }, () => gateway.admin('GET', '/usage'))
        const began = Date.now()
        for (let turn = 0; turn < 10; turn++) expect((await gateway.admin('GET', '/keys')).status).toBe(200)
        expect(Date.now() - began).toBeLessThan(5_000)
        await expectRefusal(await Promise.race(reports), 504, 'timeout_error', /given up after 10 seconds/)
        expect(Date.now() - began).toBeGreaterThan(9_000)
        await Promise.all(reports)
      })
      expect((await gateway.admin('GET', '/usage')).status).toBe(200)
    } finally {
      await client.end()
      await gateway.clear()
    }
  })
})
