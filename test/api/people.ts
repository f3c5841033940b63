/** A gateway over a database of its own, with people in it: who they are, what they carry, and what they ask. */
import { app } from '../../src/app.ts'
import { dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { ADMIN_TOKEN, type TestRuntime, testRuntime } from '../runtime.ts'

/** `lead` leads the team that `member` is in, `otherLead` leads another one, which `otherMember` is in. */
export const PEOPLE = ['admin', 'auditor', 'lead', 'member', 'otherLead', 'otherMember'] as const
export type Person = (typeof PEOPLE)[number]
export const WHO = ['anonymous', 'llmKey', ...PEOPLE, 'readOnlyAdmin', 'root'] as const
export type Who = (typeof WHO)[number]

/** Of a JSON answer. */
export interface Answer {
  status: number
  body: Record<string, unknown> & {
    data: Record<string, unknown>[]
    error: { type: string; message: string }
  }
  text: string
}

export interface Stage {
  runtime: TestRuntime
  /** Ids. */
  users: Record<Person, string>
  teams: { theirs: string; other: string }
  secrets: Record<Who, string | undefined>
  ask(who: Who, method: string, path: string, body?: unknown): Promise<Answer>
  /** With this secret, as either. */
  askWith(secret: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  /** Makes it as root, who may. @throws where that was refused. */
  make(path: string, body: object): Promise<Answer['body'] & { id: string }>
  /** Makes a key of somebody for their team. */
  makeKey(owner: Person, wish?: object): Promise<{ id: string; key: string }>
}

/** A runtime over this database, beside others over it as replicas are. */
export function replicaOn(
  { database }: OpenDatabase,
  changes: Parameters<typeof testRuntime>[0] = {},
): TestRuntime {
  const data = dataIn(database, () => {})
  return testRuntime({ data, ...changes })
}

/** People who are not yet in that database, all of them anew. */
export async function peopleOn(runtime: TestRuntime): Promise<Stage> {
  const secrets = { anonymous: undefined, root: ADMIN_TOKEN } as Stage['secrets']
  const askWith: Stage['askWith'] = async (secret, method, path, body) => {
    runtime.clock.now++
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (secret !== undefined) headers['authorization'] = `Bearer ${secret}`
    const sent = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await app.request(path, sent, runtime)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') && text.startsWith('{')
    return {
      status: response.status,
      text,
      body: (isJson ? JSON.parse(text.split('\n')[0] ?? '') : {}) as Answer['body'],
    }
  }
  const make: Stage['make'] = async (path, body) => {
    const answer = await askWith(ADMIN_TOKEN, 'POST', path, body)
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`)
    return answer.body as Awaited<ReturnType<Stage['make']>>
  }
  const users = {} as Stage['users']
  for (const person of PEOPLE) {
    const role = person === 'admin' || person === 'auditor' ? person : 'member'
    users[person] = (await make('/admin/users', { name: person, role })).id
    secrets[person] = String((await make('/admin/tokens', { name: 'test', user_id: users[person] }))['token'])
  }
  const readOnly = { name: 'reads', user_id: users.admin, read_only: true }
  secrets.readOnlyAdmin = String((await make('/admin/tokens', readOnly))['token'])
  const suffix = users.admin.slice(-12)
  const teams = {
    theirs: (await make('/admin/teams', { name: `theirs ${suffix}` })).id,
    other: (await make('/admin/teams', { name: `other ${suffix}` })).id,
  }
  const join = (team: string, person: Person, role: string) =>
    askWith(ADMIN_TOKEN, 'PUT', `/admin/teams/${team}/members/${users[person]}`, { role })
  await join(teams.theirs, 'lead', 'lead')
  await join(teams.theirs, 'member', 'member')
  await join(teams.other, 'otherLead', 'lead')
  await join(teams.other, 'otherMember', 'member')
  const makeKey: Stage['makeKey'] = async (owner, wish = {}) => {
    const team = owner.startsWith('other') ? teams.other : teams.theirs
    const made = await make('/admin/keys', {
      name: `of ${owner}`,
      user_id: users[owner],
      team_id: team,
      ...wish,
    })
    return { id: made.id, key: String(made['key']) }
  }
  secrets.llmKey = (await makeKey('member')).key
  const ask: Stage['ask'] = (who, method, path, body) => askWith(secrets[who], method, path, body)
  return { runtime, users, teams, secrets, ask, askWith, make, makeKey }
}
