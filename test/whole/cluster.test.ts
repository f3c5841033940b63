/** Several processes behind one port: limits and ledger as exact as with one, and none is missed when it dies. */
import { readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { slow } from '../fakes/steps.ts'
import { ask, eventsIn, hello, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'
import { launch } from './launch.ts'
import { startLoad } from './load.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const WORKERS = '3'

describeOnPostgres('three workers on Postgres', () => {
  const stage = postgresStage()

  let databases = 0
  const open: { clear(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.clear()
    stage.fake.reset()
  })
  async function started(): Promise<Gateway> {
    const DATABASE_URL = await stage.postgres.url(`cluster_${++databases}`)
    const gateway = await startGateway({ bedrock: stage.fake, env: { DATABASE_URL, SECRET_KEY, WORKERS } })
    open.push(gateway)
    await eventually(() => (listeningIn(gateway) === 3 ? true : undefined), { within: 30_000 })
    return gateway
  }
  const listeningIn = (gateway: Gateway) => gateway.stdout().split('"message":"listening"').length - 1
  const limited = async (gateway: Gateway, limits: object) => {
    const { id, key } = await gateway.makeKey()
    expect((await gateway.admin('PATCH', `/keys/${id}`, { limits })).status).toBe(200)
    return { id, headers: { 'x-api-key': key } }
  }
  /** On a connection of its own, so that it comes to any of the workers. */
  const apart = (gateway: Gateway, headers: Record<string, string>) =>
    ask(gateway, hello(), { ...headers, connection: 'close' })

  test('what is said but once is said once, and every request has its row', async () => {
    const gateway = await started()
    expect(gateway.stdout().split('export ANTHROPIC_AUTH_TOKEN=')).toHaveLength(2)
    const { key } = await gateway.makeKey()
    const load = startLoad(gateway.port, key, { callers: 12 })
    await eventually(() => (load.outcomes.length > 200 ? true : undefined), { within: 30_000 })
    const sent = await load.stop()
    const rows = await gateway.settled(sent.length)
    expect(sent.every(({ finished }) => finished)).toBe(true)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(sent.length)
  })

  test('a limit is one for all of them', async () => {
    const gateway = await started()
    const { headers } = await limited(gateway, { requests_per_minute: 30 })
    const begun = Date.now()
    const answers = await Promise.all(Array.from({ length: 90 }, () => apart(gateway, headers)))
    const through = answers.filter(({ status }) => status === 200).length
    const refilled = Math.ceil((30 * (Date.now() - begun)) / 60_000)
    console.log(`90 at once over three workers: ${through} let through, limit 30 + ${refilled} refilled`)
    expect(through).toBeGreaterThanOrEqual(30)
    expect(through).toBeLessThanOrEqual(30 + refilled)
    expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true)
  })

  test('the counters of all are read from any, and a key that is disabled is refused by all at once', async () => {
    const gateway = await started()
    const { id, headers } = await limited(gateway, { requests_per_minute: 1 })
    const answers = await Promise.all(Array.from({ length: 31 }, () => apart(gateway, headers)))
    const refused = answers.filter(({ status }) => status === 429).length
    const authorization = `Bearer ${gateway.adminToken}`
    for (let time = 0; time < 6; time++) {
      const answer = await fetch(`${gateway.url}/metrics`, {
        headers: { authorization, connection: 'close' },
      })
      expect(await answer.text()).toContain(`outcrop_limit_refusals_total{limit="requests"} ${refused}\n`)
    }
    await gateway.admin('PATCH', `/keys/${id}`, { disabled: true })
    await eventually(
      async () => {
        const statuses = await Promise.all(
          Array.from({ length: 9 }, async () => (await apart(gateway, headers)).status),
        )
        return statuses.every((status) => status === 403) ? true : undefined
      },
      { within: 1_000 },
    )
  })

  test('one that dies is replaced, and the others go on', async () => {
    const gateway = await started()
    const { key } = await gateway.makeKey()
    const victim = await workerOf(gateway)
    process.kill(victim, 'SIGKILL')
    await eventually(() => (listeningIn(gateway) === 4 ? true : undefined), { within: 30_000 })
    await expect.poll(() => gateway.stdout()).toContain('a worker died: another one takes its place')
    expect((await apart(gateway, { 'x-api-key': key })).status).toBe(200)
  })

  test('SIGTERM: streams under way finish in each of them, rows are settled, and all are gone', async () => {
    const gateway = await started()
    const { key } = await gateway.makeKey()
    stage.fake.script(...Array.from({ length: 9 }, () => slow(50)))
    const headers = { 'x-api-key': key, connection: 'close' }
    const streams = await Promise.all(
      Array.from({ length: 9 }, () => ask(gateway, said('!long 30', { stream: true }), headers)),
    )
    const victim = await workerOf(gateway)
    const exit = gateway.stop()
    for (const stream of streams) expect(eventsIn(await stream.text()).at(-1)?.name).toBe('message_stop')
    expect(await exit).toEqual({ code: 0, signal: null })
    expect(() => process.kill(victim, 0)).toThrow()
    expect(gateway.stderr()).toBe('')
  })

  test('with the embedded database it does not start, and says why', async () => {
    const launched = await launch({ env: { WORKERS } })
    open.push(launched)
    expect(await launched.exited).toEqual({ code: 1, signal: null })
    expect(launched.stderr()).toMatch(/DATABASE_URL must be set when WORKERS is more than 1/)
  })
})

/** The process of one of the workers. */
async function workerOf({ pid }: Gateway): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return Number(children.split(' ')[0])
}
