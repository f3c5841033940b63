/** How far people see into the ledger and into reports: everything, what their teams pay, what is their own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenDatabase } from '../../src/data/database.ts'
import { deriveAll } from '../data/bookssuite.ts'
import { inMemory } from '../data/databases.ts'
import { rowMaker } from '../data/rows.ts'
import { peopleOn, replicaOn, type Stage, type Who } from './people.ts'

let opened: OpenDatabase
let stage: Stage
const ids: Record<string, string> = {}
beforeAll(async () => {
  opened = await inMemory()
  const runtime = replicaOn(opened)
  stage = await peopleOn(runtime)
  const { users, teams } = stage
  const row = rowMaker()
  const owners = {
    lead: { userId: users.lead, teamId: teams.theirs },
    member: { userId: users.member, teamId: teams.theirs },
    otherMember: { userId: users.otherMember, teamId: teams.other },
    memberAlone: { userId: users.member, teamId: null },
    nobody: { userId: null, teamId: null },
  }
  for (const [name, owner] of Object.entries(owners)) {
    const made = row({ ...owner, status: 'succeeded', costNano: 1_000, keyId: `key_${name}` })
    ids[name] = made.id
    await runtime.data.ledger.write(made)
  }
  await deriveAll({ data: runtime.data, database: opened.database })
}, 60_000)
afterAll(() => opened.close())

const EVERYTHING = ['lead', 'member', 'memberAlone', 'nobody', 'otherMember']

test.each<[Who, string[]]>([
  ['root', EVERYTHING],
  ['admin', EVERYTHING],
  ['auditor', EVERYTHING],
  ['readOnlyAdmin', EVERYTHING],
  ['lead', ['lead', 'member']],
  ['otherLead', ['otherMember']],
  ['member', ['member', 'memberAlone']],
  ['otherMember', ['otherMember']],
])('%s sees %j', async (who, seen) => {
  const get = async (path: string) => stage.ask(who, 'GET', `/admin${path}`)
  const days = 'from=2026-11-01&to=2026-11-30'
  const names = (rows: Record<string, unknown>[], field: string) =>
    rows.map((each) => String(each[field]).replace('key_', '')).toSorted()
  expect(names((await get('/requests')).body.data, 'key_id')).toEqual(seen)
  const report = await get(`/usage?by=key&${days}`)
  expect(names(report.body.data, 'key')).toEqual(seen)
  expect(report.body['totals']).toMatchObject({ requests: seen.length, cost_nano: seen.length * 1_000 })
  const file = await get(`/usage.csv?by=key&${days}`)
  expect([...file.text.matchAll(/^key_(\w+)/gm)].map(([, name]) => name).toSorted()).toEqual(seen)
  for (const [name, id] of Object.entries(ids)) {
    expect((await get(`/requests/${id}`)).status, name).toBe(seen.includes(name) ? 200 : 404)
  }
  // To ask for what is another's gives nothing, and not an error that tells of it.
  const { body } = await get(`/usage?by=key&key=key_nobody&${days}`)
  expect(body.data).toHaveLength(seen.includes('nobody') ? 1 : 0)
})
