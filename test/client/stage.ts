/**
 * What every scenario needs: the fake Bedrock, the gateway in front of it, a key, and Claude Code pointed at it.
 */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import type { Brain } from '../fakes/plan.ts'
import { type Gateway, type SpendRow, startGateway } from '../whole/gateway.ts'
import { emptyHome, gatewayEnv, type Home, type Outcome, type Running, startClaude } from './claude.ts'
import type { Version } from './install.ts'

export interface Act {
  version: Version
  args: readonly string[]
  env?: Record<string, string>
  input?: readonly unknown[]
  key?: string
  home?: Home
}

export interface Stage {
  fake: FakeBedrock
  gateway: Gateway
  key: string
  start(act: Act): Promise<Running>
  run(act: Act): Promise<Outcome>
  /** Forgets the last scenario: `ledger` leaves out what began before, also where its row comes late. */
  clear(): Promise<void>
  /** The rows of this scenario, oldest first, once there are `count`. */
  ledger(count: number): Promise<SpendRow[]>
  close(): Promise<void>
}

/** What a stage has that the usual one has not. */
export interface Setting {
  /** For the gateway. */
  env?: Record<string, string>
  /** For the model. */
  brain?: Brain
}

async function openStage({ env = {}, brain }: Setting): Promise<Stage> {
  const fake = await startFakeBedrock(brain ? { brain } : {})
  const gateway = await startGateway({ bedrock: fake, env })
  const { key } = await gateway.makeKey({ name: 'client tests' })
  const homes: Home[] = []
  let began = Date.now()
  const start = async (act: Act) => {
    const home = act.home ?? (await emptyHome())
    homes.push(home)
    const clientEnv = { ...gatewayEnv(gateway.url, act.key ?? key), ...act.env }
    return startClaude({ ...act, home, env: clientEnv })
  }
  const removeHomes = async () => void (await Promise.all(homes.splice(0).map((home) => home.remove())))
  return {
    fake,
    gateway,
    key,
    start,
    run: async (act) => (await start(act)).done,
    async clear() {
      fake.reset()
      await removeHomes()
      began = Date.now()
    },
    async ledger(count) {
      const settled = async () =>
        (await gateway.spend()).filter(
          ({ started_at, status }) => Date.parse(started_at) >= began && status !== 'pending',
        )
      await expect.poll(async () => (await settled()).length, { timeout: 5_000 }).toBe(count)
      return settled()
    },
    async close() {
      await gateway.stop()
      await Promise.all([gateway.clear(), fake.close(), removeHomes()])
    },
  }
}

/** What Bedrock refused without being told to: nothing, if the gateway translates well. */
function refused(fake: FakeBedrock): string[] {
  return fake.seen
    .filter(({ outcome, scripted }) => outcome === 'refused' && !scripted)
    .map(({ modelId, operation, refusal }) => `${operation} ${modelId}: ${refusal?.message}`)
}

/** A stage for the tests of one file; after each of them Bedrock must have refused nothing on its own. */
export function useStage(setting: Setting = {}): () => Stage {
  let stage: Stage | undefined
  const opened = () => {
    if (!stage) throw new Error('The stage is not open yet.')
    return stage
  }
  beforeAll(async () => {
    stage = await openStage(setting)
  })
  afterEach(async () => {
    const complaints = refused(opened().fake)
    await opened().clear()
    expect(complaints).toEqual([])
  })
  afterAll(() => stage?.close())
  return opened
}

/** The requests upstream and the rows of the ledger, which must be as many: one for each request of the client. */
export async function accounted({ fake, ledger }: Stage, count: number): Promise<SpendRow[]> {
  expect(fake.seen.map(({ operation }) => operation)).toEqual(Array(count).fill('stream'))
  const rows = await ledger(count)
  expect(rows.map(({ status, attempts }) => ({ status, attempts }))).toEqual(
    Array(count).fill({ status: 'succeeded', attempts: 1 }),
  )
  return rows
}
