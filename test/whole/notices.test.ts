/** Notices as real processes tell them: found and delivered by the clock of several workers, once. */
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { type Inbox, startInbox } from '../fakes/inbox.ts'
import { eventually } from './eventually.ts'
import { type Gateway, SECRET_KEY, startGateway } from './gateway.ts'
import { describeOnPostgres, postgresStage } from './onpostgres.ts'

const MINUTE = 60_000

describeOnPostgres('two gateways of two workers on one Postgres', () => {
  const stage = postgresStage()
  const open: { clear(): Promise<void> }[] = []
  const inboxes: Inbox[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.clear()
    for (const each of inboxes.splice(0)) await each.close()
  })

  async function started(DATABASE_URL: string): Promise<Gateway> {
    const env = { DATABASE_URL, SECRET_KEY, WORKERS: '2', EGRESS_ALLOW_LOOPBACK: 'true' }
    const gateway = await startGateway({ bedrock: stage.fake, env })
    open.push(gateway)
    return gateway
  }

  test('a key that expires is told of within a minute or so, once', async () => {
    const url = await stage.postgres.url('notices_by_the_clock')
    const inbox = await startInbox()
    inboxes.push(inbox)
    const [gateway] = await Promise.all([started(url), started(url)])
    const { id: keyId } = await gateway.makeKey({ name: 'CI' })
    const client = postgres(url, { max: 1 })
    await client`update keys set expires_at = now() + interval '12 hours', created_at = now() - interval '9 days'
      where id = ${keyId}`

    const ask = async (path: string, body?: unknown) => (await gateway.admin('POST', path, body)).json()
    const settings = { url: `${inbox.url}/services/T0/B0/x` }
    const { id } = (await ask('/channels', { kind: 'slack', name: 'ops', settings })) as { id: string }
    expect(await ask(`/channels/${id}/test`)).toMatchObject({ passed: true })
    expect(await ask(`/channels/${id}/activate`)).toMatchObject({ state: 'active' })

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
