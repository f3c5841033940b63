/** The Worker as wrangler has it: assets, the cron trigger, the queue, and whether it could be deployed. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SECURITY } from '../../src/api/assets.ts'
import { migratePostgres } from '../../src/data/postgres.ts'
import { MIGRATIONS } from '../data/databases.ts'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { sourcesOf } from '../services/bundle.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { type Relay, startRelay } from '../services/relay.ts'
import { OFFLINE, startWrangler, type Wrangler, wordsOf } from '../services/wrangler.ts'
import { ask, expectRefusal, hello } from './caller.ts'
import { eventually } from './eventually.ts'
import { ADMIN_TOKEN, administration, awsVariables, SECRET_KEY } from './gateway.ts'

const found = await findPostgres()
if ('missing' in found) test.skip(found.missing, () => {})

describe.skipIf('missing' in found)('npm run dev:worker', () => {
  let postgres: Postgres
  let relay: Relay
  let fake: FakeBedrock
  let wrangler: Wrangler
  let worker: ReturnType<typeof administration> & { url: string }
  beforeAll(async () => {
    if ('missing' in found) return
    postgres = await found.start()
    fake = await startFakeBedrock()
    const databaseUrl = new URL(await postgres.url('wrangler'))
    await migratePostgres(databaseUrl.href, MIGRATIONS)
    relay = await startRelay({ host: databaseUrl.hostname, port: Number(databaseUrl.port || 5432) })
    databaseUrl.port = String(relay.port)
    databaseUrl.password ||= 'none'
    const variables = { SECRET_KEY, ADMIN_TOKEN, ...awsVariables({ bedrock: fake }) }
    wrangler = await startWrangler({ databaseUrl: databaseUrl.href, variables })
    worker = { url: wrangler.url, ...administration(wrangler.url, ADMIN_TOKEN) }
  })
  afterAll(async () => {
    await wrangler?.close()
    await relay?.close()
    await fake?.close()
    await postgres?.close()
  })

  test('serves the page from the Worker and what it is made of beside it, both with the headers that guard them', async () => {
    const page = await fetch(worker.url)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const links = [...(await page.text()).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link ?? '')
    expect(new Set(links)).toEqual(new Set(['/assets/outcrop.svg', '/assets/page.css']))
    const parts = await Promise.all(links.map((link) => fetch(`${worker.url}${link}`)))
    expect(parts.map(({ status }) => status)).toEqual(links.map(() => 200))
    for (const answer of [page, ...parts])
      for (const [name, value] of Object.entries(SECURITY)) expect(answer.headers.get(name), name).toBe(value)
  })

  test('no path of the API is answered by a file', async () => {
    for (const path of ['/', '/v1/nothing', '/index.html', '/admin.html'])
      await expectRefusal(await ask(worker, {}, {}, { path }), 404, 'not_found_error', /nothing at this path/)
    const get = await fetch(`${worker.url}/v1/nothing`, { headers: { accept: 'text/html' } })
    await expectRefusal(get, 404, 'not_found_error', /nothing at this path/)
  })

  test('the cron trigger marks what was lost', async () => {
    const fired = await fetch(`${worker.url}/cdn-cgi/local/scheduled?cron=7+*+*+*+*`)
    expect(await fired.text()).toBe('ok')
  })

  test('a row that Postgres did not take comes back by way of the queue', async () => {
    const { key } = await worker.makeKey()
    const headers = { 'x-api-key': key }
    expect((await ask(worker, hello(), headers)).status).toBe(200)
    await worker.settled(1)
    relay.cut()
    expect((await ask(worker, hello(), headers)).status).toBe(200)
    await eventually(() => wrangler.written().includes('ledger rows wait in the queue') || undefined)
    relay.restore()
    const rows = await eventually(
      async () => {
        const all = await worker.spend()
        return all.length === 2 && all.every(({ status }) => status === 'succeeded') ? all : undefined
      },
      { within: 60_000, every: 500 },
    )
    expect(rows).toHaveLength(2)
    await eventually(
      () => wrangler.written().includes('ledger rows from the queue were written') || undefined,
    )
  })
})

test('npm run deploy:worker -- --dry-run bundles it with nothing that only Node has, and all that goes with it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outcrop-deploy-'))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...wordsOf('deploy:worker'), '--dry-run', '--outdir', folder, '--metafile', join(folder, 'meta.json')],
    { cwd: join(import.meta.dirname, '../..'), env: { ...process.env, ...OFFLINE } },
  )
  expect(stdout).toMatch(/env\.ASSETS/)
  expect(stdout).toMatch(/--dry-run: exiting now/)
  expect(await readdir(folder)).toContain('worker.js')
  const { all, nodeOnly } = sourcesOf(JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8')))
  expect([...all]).toEqual(expect.arrayContaining(['src', 'src/edge', 'hono']))
  expect(nodeOnly).toEqual([])
  const [size] = /Total Upload: .*/.exec(stdout) ?? []
  console.info(`as wrangler bundles it: ${size}`)
  await rm(folder, { recursive: true })
})
