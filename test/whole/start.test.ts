/** How the gateway starts: what it says, what it does without, and what it refuses to start with. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { ask, expectRefusal, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { type GatewayOptions, startGateway } from './gateway.ts'
import { type Launched, type LaunchOptions, launch } from './launch.ts'
import { type Words, wordsOf } from './welcome.ts'

let fake: FakeBedrock
let dataDir: string
beforeAll(async () => {
  fake = await startFakeBedrock()
  dataDir = await mkdtemp(join(tmpdir(), 'outcrop-start-'))
})
afterAll(async () => {
  await fake.close()
  await rm(dataDir, { recursive: true, force: true })
})

const open: Launched[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.clear()))
})

async function started(options: GatewayOptions = {}) {
  const gateway = await startGateway(options)
  open.push(gateway)
  return gateway
}

/** A start that must fail: how it ended and what it said. */
async function failedStart(options: LaunchOptions) {
  const launched = await launch(options)
  open.push(launched)
  const exit = await launched.exited
  return { exit, said: launched.stderr() }
}

/** A start that fails is one sentence, not a stack trace. */
async function expectRefusedStart(options: LaunchOptions, sentence: RegExp) {
  const { exit, said } = await failedStart(options)
  expect(said).toMatch(sentence)
  expect(said).not.toMatch(/^\s+at /m)
  expect(exit).toEqual({ code: 1, signal: null })
}

describe('one data folder over several starts', () => {
  let words: Words

  test('the first start prints an admin token, a key and the two lines that connect, once; they work', async () => {
    const gateway = await started({ bedrock: fake, dataDir, env: { ADMIN_TOKEN: '' } })
    words = await wordsOf(gateway)
    expect(words).toMatchObject({ tokens: 1, keys: 1, urls: [gateway.url] })
    const admin = await fetch(`${gateway.url}/admin/keys`, {
      headers: { authorization: `Bearer ${words.token}` },
    })
    expect(admin.status).toBe(200)
    expect((await admin.json()).data).toMatchObject([{ name: 'first key', hint: words.key.slice(0, 9) }])
    const answer = await ask(gateway, hello(), { authorization: `Bearer ${words.key}` })
    expect(answer.status).toBe(200)
    expect(await gateway.stop()).toEqual({ code: 0, signal: null })
    expect(gateway.stdout().split(words.key)).toHaveLength(2)
    expect(gateway.stdout().split(words.token)).toHaveLength(2)
    expect(gateway.stderr()).toBe('')
  })

  test('later starts print no secret, and what the first one printed still works', async () => {
    const gateway = await started({ bedrock: fake, dataDir, env: { ADMIN_TOKEN: '' } })
    expect(await wordsOf(gateway)).toMatchObject({ tokens: 0, keys: 0, urls: [] })
    expect((await ask(gateway, hello(), { 'x-api-key': words.key })).status).toBe(200)
    const rows = async () => {
      const headers = { authorization: `Bearer ${words.token}` }
      const admin = await fetch(`${gateway.url}/admin/requests`, { headers })
      return (await admin.json()).data.length === 2 ? true : undefined
    }
    await eventually(rows)
  })

  test('a second process on the same folder ends with a clear sentence; the first is unharmed', async () => {
    const first = await started({ bedrock: fake, dataDir })
    const { key } = await first.makeKey()
    const sentence = new RegExp(`DATA_DIR .* is in use by process ${first.pid} .*one process at a time`)
    await expectRefusedStart({ dataDir }, sentence)
    expect((await ask(first, hello(), { 'x-api-key': key })).status).toBe(200)
    expect(await first.stop()).toEqual({ code: 0, signal: null })
  })

  test('after kill -9 it starts again at once', async () => {
    const first = await started({ bedrock: fake, dataDir })
    const { key } = await first.makeKey()
    await first.kill()
    const begun = Date.now()
    const second = await started({ bedrock: fake, dataDir })
    expect(Date.now() - begun).toBeLessThan(5_000)
    expect((await ask(second, hello(), { 'x-api-key': key })).status).toBe(200)
  })

  test('of two that start at the same moment on a folder, fresh or left by a kill, one comes up', async () => {
    for (const folder of [join(dataDir, 'fresh'), join(dataDir, 'fresh')]) {
      const both = await Promise.allSettled([started({ dataDir: folder }), started({ dataDir: folder })])
      const up = both.filter((each) => each.status === 'fulfilled').map(({ value }) => value)
      const down = both.filter((each) => each.status === 'rejected').map(({ reason }) => String(reason))
      expect(down).toEqual([expect.stringMatching(/DATA_DIR .* is in use by process/)])
      const [one] = up
      expect((await one?.admin('GET', '/keys'))?.status).toBe(200)
      await one?.kill()
    }
  })

  test('its folder and secret key are for its user only', async () => {
    const gateway = await started()
    const mode = async (path: string) => (await stat(path)).mode & 0o777
    expect(await mode(gateway.dataDir)).toBe(0o700)
    expect(await mode(join(gateway.dataDir, 'secret.key'))).toBe(0o600)
  })
})

describe('without AWS', () => {
  test('no region and no credentials: it starts, is ready, and says what is missing', async () => {
    const gateway = await started()
    await expect.poll(gateway.stdout).toMatch(/No AWS region: set AWS_REGION/)
    await expect
      .poll(gateway.stdout)
      .toMatch(/no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
    const { key } = await gateway.makeKey()
    const answer = await ask(gateway, hello(), { 'x-api-key': key })
    await expectRefusal(answer, 500, 'api_error', /Set AWS_REGION/)
    expect(await gateway.spend()).toEqual([])
  })

  test('a region but no credentials: a request is told what to set', async () => {
    const gateway = await started({ env: { AWS_REGION: 'us-east-1' } })
    const { key } = await gateway.makeKey()
    const answer = await ask(gateway, hello(), { 'x-api-key': key })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    await expectRefusal(answer, 500, 'api_error', /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
  })
})

describe('what it refuses to start with', () => {
  const strong = 'only-for-tests-0123456789-abcdefghijkl'
  const bad: [string, Record<string, string>, RegExp][] = [
    ['PORT is not a number', { PORT: 'abc' }, /^PORT must be a port number$/m],
    ['PORT is too large', { PORT: '65536' }, /^PORT must be a port number$/m],
    ['ADMIN_TOKEN is short', { ADMIN_TOKEN: 'changeme' }, /^ADMIN_TOKEN must have at least 32 characters/m],
    ['ADMIN_TOKEN is monotonous', { ADMIN_TOKEN: 'a'.repeat(64) }, /^ADMIN_TOKEN must .* not all alike/m],
    ['SECRET_KEY is short', { SECRET_KEY: 'short' }, /^SECRET_KEY must have at least 32 characters/m],
    [
      'DATABASE_URL without SECRET_KEY',
      { DATABASE_URL: 'postgres://127.0.0.1:1/none' },
      /^SECRET_KEY must be set when DATABASE_URL is/m,
    ],
    [
      'DATABASE_URL is not Postgres',
      { DATABASE_URL: 'mysql://127.0.0.1/x' },
      /^DATABASE_URL must start with/m,
    ],
    ['AWS_REGION is no region', { AWS_REGION: 'Virginia' }, /^AWS_REGION must be an AWS region/m],
    ['LOG_LEVEL is unknown', { LOG_LEVEL: 'loud' }, /^LOG_LEVEL /m],
    ['PUBLIC_URL is no URL', { PUBLIC_URL: 'gateway.example' }, /^PUBLIC_URL must be an http/m],
  ]
  test.each(bad)('%s: it says so, naming the variable', async (_, env, sentence) => {
    await expectRefusedStart({ env }, sentence)
  })

  test('several wrong variables are all named, and no value is repeated', async () => {
    const { said } = await failedStart({ env: { PORT: 'abc', ADMIN_TOKEN: 'canary-token', AWS_REGION: 'x' } })
    for (const name of ['PORT', 'ADMIN_TOKEN', 'AWS_REGION']) expect(said).toContain(name)
    expect(said).not.toContain('canary-token')
  })

  test('a port that is in use: it says so and leaves the folder to the next', async () => {
    const first = await started()
    const port = String(first.port)
    const folder = join(dataDir, 'port')
    await expectRefusedStart({ dataDir: folder, env: { PORT: port } }, /port is in use.*PORT/)
    const next = await started({ dataDir: folder })
    expect(await wordsOf(next)).toMatchObject({ keys: 1 })
  })

  test('a Postgres that does not answer: it waits, says which variable to look at, and not the password', async () => {
    const env = { DATABASE_URL: 'postgres://user:canary-word@127.0.0.1:1/none', SECRET_KEY: strong }
    const gateway = await started({ env, ready: false })
    await eventually(() =>
      gateway.stdout().includes('DATABASE_URL: the database does not') ? true : undefined,
    )
    expect(gateway.stdout() + gateway.stderr()).not.toContain('canary-word')
  })

  test('a folder that cannot be made: it says which variable to look at', async () => {
    const file = join(dataDir, 'not-a-folder')
    await writeFile(file, '')
    await expectRefusedStart({ dataDir: join(file, 'data') }, /DATA_DIR/)
  })
})
