/** Surveys on a real Postgres: one of four replicas asks AWS, and what it finds is every replica's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataIn } from '../../src/data/data.ts'
import { migratePostgres, openPostgres } from '../../src/data/postgres.ts'
import { configured, forgetUpstreams } from '../../src/gateway/routing/upstreams.ts'
import { surveyUpstreams } from '../../src/gateway/survey.ts'
import { everyMinute } from '../../src/jobs.ts'
import { gatewayOn } from '../api/gateway.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { surveySuite } from '../data/surveysuite.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

describeOnPostgres('on a real Postgres', () => {
  const stage = postgresStage()

  async function open(name: string) {
    const url = await stage.postgres.url(name)
    await migratePostgres(url, MIGRATIONS)
    return openPostgres(url)
  }

  surveySuite(() => open('surveys'))

  describe('four replicas', () => {
    const pools: { close(): Promise<void> }[] = []
    afterAll(async () => {
      await Promise.all(pools.map((pool) => pool.close()))
      await bedrock.close()
    })
    let clock = Date.now()
    let bedrock: FakeBedrock

    async function replica() {
      const pool = await open('replicas')
      pools.push(pool)
      const { runtime } = await gatewayOn(bedrock, {
        data: dataIn(pool.database, () => {}),
        env: { AWS_ENDPOINT_URL_SERVICE_QUOTAS: bedrock.url },
        now: () => clock,
      })
      return runtime
    }

    const replicas: Awaited<ReturnType<typeof replica>>[] = []
    beforeAll(async () => {
      bedrock = await startFakeBedrock({ now: () => clock })
      for (let count = 0; count < 4; count++) replicas.push(await replica())
    })

    const lists = () => bedrock.control.asked.filter((each) => each === 'ListInferenceProfiles').length

    test('ask once between them, however often each of them wants to, and all know', async () => {
      await Promise.all(replicas.flatMap((each) => [surveyUpstreams(each), surveyUpstreams(each)]))
      expect(lists()).toBe(2) // of AWS's profiles, and of the account's own
      for (const each of replicas) {
        forgetUpstreams(each) // what others found is known within ten seconds without it
        const [found] = await configured(each)
        expect(found?.findings?.offers?.map(({ id }) => id)).toContain('us.anthropic.claude-opus-5-5')
      }
    })

    test('do so again by the clock when it is time, and not before', async () => {
      const before = lists()
      for (let minute = 0; minute < 20; minute++) {
        clock += 60_000
        await Promise.all(replicas.map((each) => everyMinute(each)))
      }
      expect(lists()).toBe(before + 4)
    })
  })
})
