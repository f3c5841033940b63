/** Notices as real processes tell them: found and delivered by the clock of several workers, once. */
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { startFakeAws } from '../fakes/awsinbox.ts'
import { startInbox } from '../fakes/inbox.ts'
import { startFakeNeon } from '../fakes/neon.ts'
import { SECRET } from '../notify/sending.ts'
import { startWorker } from '../services/workerd.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const MINUTE = 60_000

const stage = postgresStage()
const open: { clear(): Promise<void> }[] = []
const inboxes: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.clear()
  for (const each of inboxes.splice(0)) await each.close()
})

function kept<One extends { close(): Promise<void> }>(inbox: One): One {
  inboxes.push(inbox)
  return inbox
}

/** Drafts it, tests it, activates it. */
async function activeChannel({ admin }: Gateway, wish: { kind: string; settings: object }): Promise<void> {
  const ask = async (path: string, body?: unknown) => (await admin('POST', path, body)).json()
  const { id } = (await ask('/channels', { name: 'ops', ...wish })) as { id: string }
  expect(await ask(`/channels/${id}/test`)).toMatchObject({ passed: true })
  expect(await ask(`/channels/${id}/activate`)).toMatchObject({ state: 'active' })
}

/** A key that was made long ago and has half a day left. */
async function expiringKey(gateway: Gateway, client: postgres.Sql): Promise<void> {
  const { id } = await gateway.makeKey({ name: 'CI' })
  await client`update keys set expires_at = now() + interval '12 hours', created_at = now() - interval '9 days'
    where id = ${id}`
}

describeOnPostgres('two gateways of two workers on one Postgres', () => {
  async function started(DATABASE_URL: string): Promise<Gateway> {
    const env = { DATABASE_URL, SECRET_KEY, WORKERS: '2', EGRESS_ALLOW_LOOPBACK: 'true' }
    const gateway = await startGateway({ bedrock: stage.fake, env })
    open.push(gateway)
    return gateway
  }

  test('a key that expires is told of within a minute or so, once', async () => {
    const url = await stage.postgres.url('notices_by_the_clock')
    const inbox = kept(await startInbox())
    const [gateway] = await Promise.all([started(url), started(url)])
    const client = postgres(url, { max: 1 })
    await expiringKey(gateway, client)
    await activeChannel(gateway, { kind: 'slack', settings: { url: `${inbox.url}/services/T0/B0/x` } })

    const texts = () => inbox.posted.map(({ body }) => (JSON.parse(body) as { text: string }).text)
    await eventually(() => (texts().length > 1 ? true : undefined), { within: 1.5 * MINUTE, every: 200 })
    // Every other worker has had its minute by then.
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    expect(texts()).toEqual([
      expect.stringContaining("This is a test of the channel 'ops'"),
      expect.stringMatching(/^\[warning\] The key 'CI' \(.*…\) expires within a day, at /),
    ])
    const [{ count } = { count: 0 }] = await client<{ count: number }[]>`select count(*)::int from notices`
    expect(count).toBe(2)
    await client.end()
    expect(gateway.stdout()).not.toMatch(/a job by the clock failed/)
  })
})

describeOnPostgres('a Worker', () => {
  test.each(['hyperdrive', 'http', 'websocket'] as const)(
    'over %s tells by the cron trigger',
    async (wire) => {
      const databaseUrl = await stage.postgres.url(`notices_worker_${wire}`)
      const { region, credentials } = stage.fake
      const sns = kept(await startFakeAws('sns', { region, credentials, now: Date.now }))
      const inbox = kept(await startInbox())
      const env = { EGRESS_ALLOW_LOOPBACK: 'true', AWS_ENDPOINT_URL_SNS: sns.url }
      const neon = wire === 'hyperdrive' ? undefined : { host: kept(await startFakeNeon()).host, wire }
      const worker = await startWorker({ databaseUrl, bedrock: stage.fake, env, ...(neon ? { neon } : {}) })
      open.push(worker)
      const client = postgres(databaseUrl, { max: 1 })
      await expiringKey(worker, client)
      await activeChannel(worker, { kind: 'webhook', settings: { url: `${inbox.url}/hook`, secret: SECRET } })
      const topicArn = `arn:aws:sns:${region}:123456789012:outcrop`
      await activeChannel(worker, { kind: 'sns', settings: { topicArn } })
      await worker.everyHour()
      await worker.everyHour()
      await client.end()
      expect(inbox.posted.map(({ body }) => JSON.parse(body).kind)).toEqual(['test', 'key_expiring'])
      const messages = sns.posted.map(({ body }) =>
        JSON.parse(new URLSearchParams(body).get('Message') ?? ''),
      )
      expect(messages.map(({ kind }) => kind)).toEqual(['test', 'key_expiring'])
      expect(worker.stdout() + worker.stderr()).not.toMatch(/"level":"(warn|error)"|Uncaught/)
    },
  )
})
