/**
 * Every secret that is made is shown once, to who made it: it is looked for in the whole database, in every line of the
 * log, in the audit log and in every other answer, and so is what is stored of it.
 */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { app } from '../../src/app.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { hashOf } from '../../src/protocol/keys.ts'
import { inMemory } from '../data/databases.ts'
import { ADMIN_TOKEN } from '../runtime.ts'
import { peopleOn, replicaOn, type Stage } from './people.ts'

const UPSTREAM_SECRET = 'canary-of-an-upstream-0123456789'
const ENGINE_SECRET = 'canary-of-an-engine-0123456789'

let database: OpenDatabase
let stage: Stage
beforeAll(async () => {
  database = await inMemory()
  stage = await peopleOn(replicaOn(database))
})
afterAll(() => database.close())

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const tables = sql`select table_name as name from information_schema.tables where table_schema = 'public'`
  const parts: string[] = []
  for (const [name] of rowsOf(await database.database.execute(tables))) {
    const rows = await database.database.execute(sql`select t::text from ${sql.identifier(String(name))} t`)
    parts.push(`${name}: ${JSON.stringify(rows)}`)
  }
  expect(parts.length).toBeGreaterThan(10)
  return parts.join('\n')
}

function rowsOf(answer: unknown): unknown[][] {
  const rows = Array.isArray(answer) ? answer : ((answer as { rows: unknown[] }).rows ?? [])
  return rows.map((row: unknown) => (Array.isArray(row) ? row : Object.values(row as object)))
}

test('secrets are in no row, no line, no entry, no error and no list', async () => {
  const { ask, askWith, makeKey, users, runtime, secrets } = stage
  const made = [
    ...Object.values(secrets).filter((secret) => secret !== undefined),
    ENGINE_SECRET,
    UPSTREAM_SECRET,
  ]
  const { id, key } = await makeKey('member')
  const rotated = String((await ask('member', 'POST', `/admin/keys/${id}/rotate`, {}))['body']['key'])
  const token = String((await ask('member', 'POST', '/admin/tokens', { name: 'x' })).body['token'])
  made.push(key, rotated, token)
  const engine = { mode: 'all', engine: 'custom', settings: { url: 'https://x.test', token: ENGINE_SECRET } }
  const answers = [
    await ask('root', 'PUT', '/admin/search', engine),
    await ask('root', 'PUT', `/admin/search/keys/${id}`, { engine: 'custom', settings: engine.settings }),
    await ask('root', 'POST', '/admin/upstreams', {
      kind: 'bedrock',
      name: 'canary',
      region: 'eu-west-1',
      settings: { credentials: 'api-key', apiKey: UPSTREAM_SECRET },
    }),
    // People paste secrets where they do not belong: there they are masked.
    await ask('root', 'PATCH', `/admin/users/${users.member}`, { name: 'member' }),
    await ask('root', 'POST', '/admin/users', { name: 'x', role: token }),
    await ask('root', 'POST', '/admin/keys', { name: 'x', models: key }),
    await askWith(`${token.slice(0, -1)}~`, 'GET', '/admin/me'),
    await ask('llmKey', 'GET', '/admin/keys'),
  ].map(({ text }) => text)
  for (const path of [
    'keys',
    'tokens',
    'users',
    'teams',
    'audit',
    'audit/export',
    'search',
    'me',
    'requests',
    'upstreams',
  ]) {
    answers.push((await ask('root', 'GET', `/admin/${path}`)).text)
  }
  for (const secret of [key, rotated, `${key}x`]) {
    const response = await app.request('/v1/models', { headers: { 'x-api-key': secret } }, runtime)
    answers.push(await response.text())
  }
  await runtime.settled()
  const kept = { database: await dump(), lines: JSON.stringify(runtime.lines), answers: answers.join('\n') }
  expect(kept.database).toContain(id)
  expect(kept.lines).toContain('audit')
  for (const secret of made) {
    for (const [where, text] of Object.entries(kept)) {
      expect(text.includes(secret), `${secret.slice(0, 12)}… in ${where}`).toBe(false)
    }
    const hash = await hashOf(secret)
    expect(kept.lines).not.toContain(hash)
    expect(kept.answers).not.toContain(hash)
  }
  expect(made).toContain(ADMIN_TOKEN)
})

test('a secret that somebody gave as a name is masked in the audit log, which nobody can clean', async () => {
  const { ask, make } = stage
  const { key } = await stage.makeKey('member')
  const { id } = await make('/admin/users', { name: `key ${key}` })
  const entries = await ask('root', 'GET', `/admin/audit?target=user:${id}`)
  expect(entries.body.data).toMatchObject([{ after: { name: 'key oc_***' } }])
})
