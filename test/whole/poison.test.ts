/**
 * Eight gateways write to one ledger, some rows of which no database can hold. Two of them are killed, and Postgres is
 * restarted meanwhile. In the end the ledger and its quarantine are what the clients saw, row for row.
 */
import connect from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { brain } from '../fakes/brain.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, type SpendRow, startGateway } from './gateway.ts'
import { type Load, type Outcome, startLoad } from './load.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const WRITERS = 8
const KILLED = 2
const POISON = '!say poison'
/** No bigint holds so many tokens. */
const UNCOUNTABLE = { input_tokens: 5, output_tokens: 1e30 }

describeOnPostgres('poison', () => {
  const stage = postgresStage()
  let fake: FakeBedrock
  const gateways: Gateway[] = []
  beforeAll(async () => {
    fake = await startFakeBedrock({
      pace: 2,
      brain: (body, about) => {
        const plan = brain(body, about)
        return JSON.stringify(body).includes(POISON) ? { ...plan, usage: UNCOUNTABLE } : plan
      },
    })
  })
  afterAll(async () => {
    await Promise.all(gateways.map((each) => each.clear()))
    await fake.close()
  })

  test('in some rows, kills and a restart of Postgres: nothing is missing, nothing is twice', async () => {
    const url = await stage.postgres.url('poison')
    const env = { DATABASE_URL: url, SECRET_KEY }
    gateways.push(await startGateway({ bedrock: fake, env }))
    const others = Array.from({ length: WRITERS - 1 }, () => startGateway({ bedrock: fake, env }))
    gateways.push(...(await Promise.all(others)))
    const [first] = gateways
    if (!first) throw new Error('no gateway')
    const { key } = await first.makeKey()
    const loads = gateways.map(({ port }) => loadsOn(port, key))
    const answered = () => loads.flat().reduce((sum, [load]) => sum + load.outcomes.length, 0)
    const more = (than: number) =>
      eventually(() => (answered() > than ? true : undefined), { within: 60_000, every: 50 })

    await more(200)
    const killed = gateways.slice(-KILLED)
    await Promise.all(killed.map((each) => each.kill()))
    const cut = await stopped(loads.splice(-KILLED).flat())
    await more(answered() + 100)
    await stage.postgres.restart?.()
    const next = killed.map(({ dataDir }) => startGateway({ bedrock: fake, env, dataDir }))
    gateways.push(...(await Promise.all(next)))
    await more(answered() + 100)
    const all = [...cut, ...(await stopped(loads.flat()))]
    const bad = all.filter(({ poisoned }) => poisoned)
    const good = all.filter(({ poisoned }) => !poisoned)

    const client = connect(url, { max: 1 })
    try {
      const finished = good.filter((each) => each.finished)
      const held = await eventually(async () => complete(await quarantineOf(client), bad), { within: 60_000 })
      const rows = await eventually(() => settled(first, new Set(held.keys())), { within: 60_000 })
      const lost = [...rows.values()].filter(({ status }) => status === 'lost').length
      console.log(
        `answered to the end ${finished.length}, poisoned ${held.size}, cut short ${good.length - finished.length}; ` +
          `rows ${rows.size}, of them lost ${lost}`,
      )
      const usage = rows.get(finished[0]?.id ?? '')?.usage
      expect(usage?.output).toBeGreaterThan(0)
      for (const { id = '' } of finished) {
        expect(rows.get(id), id).toMatchObject({ status: 'succeeded', usage_source: 'final' })
        expect(rows.get(id)?.usage.output, id).toBe(usage?.output)
      }
      for (const row of held.values()) expect(row).toMatchObject({ status: 'succeeded', outputTokens: 1e30 })
      const known = new Set([...good, ...bad].map(({ id }) => id))
      const unheard = [...rows.keys()].filter((id) => !known.has(id) && rows.get(id)?.status !== 'lost')
      // Of a call whose gateway was killed before it answered, nobody but the ledger knows.
      expect(unheard.length).toBeLessThanOrEqual(
        [...good, ...bad].filter(({ id }) => id === undefined).length,
      )
      expect(finished.length).toBeGreaterThan(300)
      expect(held.size).toBeGreaterThan(20)
      expect(await metric(first)).toBeGreaterThan(0)
    } finally {
      await client.end()
    }
  }, 240_000)
})

/** What is good and what is poison, in the proportion of ten to one or so. */
function loadsOn(port: number, key: string): [Load, boolean][] {
  return [
    [startLoad(port, key, { callers: 3, pause: 20 }), false],
    [startLoad(port, key, { callers: 1, pause: 150, words: POISON }), true],
  ]
}

interface Told extends Outcome {
  poisoned: boolean
}

async function stopped(loads: readonly (readonly [Load, boolean])[]): Promise<Told[]> {
  const outcomes = await Promise.all(
    loads.map(async ([load, poisoned]) => (await load.stop()).map((each) => ({ ...each, poisoned }))),
  )
  return outcomes.flat()
}

type Held = ReadonlyMap<string, { status: string; outputTokens: number }>

async function quarantineOf(client: ReturnType<typeof connect>): Promise<Held> {
  const rows = await client<{ id: string; row: string }[]>`select id, row from quarantine`
  return new Map(rows.map(({ id, row }) => [id, JSON.parse(row)]))
}

/** Every poisoned answer that was read to its end is held. */
function complete(held: Held, bad: readonly Outcome[]): Held | undefined {
  return bad.every(({ id = '', finished }) => !finished || held.has(id)) ? held : undefined
}

/** Every row once, when what is still pending is in quarantine. */
async function settled(
  gateway: Gateway,
  held: ReadonlySet<string>,
): Promise<ReadonlyMap<string, SpendRow> | undefined> {
  const rows = await gateway.spend()
  if (rows.some(({ id, status }) => status === 'pending' && !held.has(id))) return undefined
  const byId = new Map(rows.map((row) => [row.id, row]))
  expect(byId.size, 'one row a request').toBe(rows.length)
  return byId
}

async function metric(gateway: Gateway): Promise<number> {
  const headers = { authorization: `Bearer ${gateway.adminToken}` }
  const text = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
  return Number(/^outcrop_ledger_quarantined_total\{code="\w+"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}
