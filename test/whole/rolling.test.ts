/** A rolling restart on a Postgres that replicas share, on every host: nothing under way is lost, nothing new is refused. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { slow } from '../fakes/steps.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { type Relay, startRelay } from '../services/relay.ts'
import { findRuntimes } from '../services/runtimes.ts'
import { ask, eventsIn, said } from './caller.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'

const STREAMS = 50
/** About two seconds of stream. */
const WORDS = '!long 30'
const PACE = 70

const database = await findPostgres()
const hosts = await findRuntimes(['node', 'bun', 'deno'])
if ('missing' in database) test.skip(database.missing, () => {})

describe.skipIf('missing' in database)('on Postgres', () => {
  let postgres: Postgres
  let fake: FakeBedrock
  beforeAll(async () => {
    if ('missing' in database) throw new Error(database.missing)
    postgres = await database.start()
    fake = await startFakeBedrock()
  })
  afterAll(async () => {
    await fake.close()
    await postgres.close()
  })

  const open: (Gateway | Relay)[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await ('clear' in each ? each.clear() : each.close())
    fake.reset()
  })

  for (const found of hosts) {
    test.skipIf('missing' in found)(`on ${found.host}: one replica makes way for the next`, async () => {
      const env = {
        DATABASE_URL: await postgres.url(`rolling_${found.host}`),
        SECRET_KEY: 'only-for-tests-abcdefghijkl-0123456789',
      }
      const replica = async () => {
        const gateway = await startGateway({ bedrock: fake, on: found.host, env })
        open.push(gateway)
        return gateway
      }
      const first = await replica()
      const { key } = await first.makeKey()
      const front = await startRelay({ host: '127.0.0.1', port: first.port })
      open.push(front)
      const door = { url: `http://127.0.0.1:${front.port}` }
      const headers = { 'x-api-key': key }
      fake.script(...Array.from({ length: STREAMS }, () => slow(PACE)))

      const second = replica()
      const streams = Array.from({ length: STREAMS }, () => ask(door, said(WORDS, { stream: true }), headers))
      await eventually(() => fake.seen[STREAMS - 1])
      const next = await second
      front.leadTo(next.port)
      const exit = first.stop()
      const after = await Promise.all(
        [1, 2, 3].map((n) => ask(door, said(`!say ${n}`), { ...headers, connection: 'close' })),
      )
      expect(after.map(({ status }) => status)).toEqual([200, 200, 200])

      const whole = await Promise.all(streams.map(async (each) => eventsIn(await (await each).text())))
      expect(whole.map((events) => [events.length, events.at(-1)?.name])).toEqual(
        Array.from({ length: STREAMS }, () => [35, 'message_stop']),
      )
      expect(await exit).toEqual({ code: 0, signal: null })
      const rows = await next.settled(STREAMS + after.length)
      expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['succeeded']))
      expect(first.stderr() + next.stderr()).toBe('')
    })
  }
})
