/** For tests that need a Postgres: one for the file, with a fake Bedrock. Where there is none they are skipped, saying why. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

export const describeOnPostgres = describe.skipIf('missing' in found)

export interface Stage {
  postgres: Postgres
  fake: FakeBedrock
}

/** To be read in hooks and tests only: it is set before the first of them, and gone after the last. */
export function postgresStage(): Stage {
  const stage = {} as Stage
  beforeAll(async () => {
    if ('missing' in found) return
    stage.postgres = await found.start()
    stage.fake = await startFakeBedrock()
  })
  afterAll(async () => {
    await stage.fake?.close()
    await stage.postgres?.close()
  })
  return stage
}
