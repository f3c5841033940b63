/**
 * Who may do what: every operation of the admin API, as its document lists them, is called by everybody there is, and
 * what they get is held to the table of permissions and to docs/permissions.md (`npm run docs:permissions`).
 */
import { writeFileSync } from 'node:fs'
import { OpenAPIHono } from '@hono/zod-openapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requirePermissions } from '../../src/api/admin/resource.ts'
import { admin } from '../../src/api/admin.ts'
import type { AdminEnv } from '../../src/api/env.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import { PERMISSION_NAMES, type Permission, ROLES, reachOf } from '../../src/gateway/permissions.ts'
import { pageOf, withPart } from '../compatibility/page.ts'
import { inMemory } from '../data/databases.ts'
import { type Answer, peopleOn, replicaOn, type Stage, WHO, type Who } from './people.ts'

let database: OpenDatabase
beforeAll(async () => {
  database = await inMemory()
})
afterAll(() => database.close())

interface Operation {
  method: string
  /** As in `/keys/{id}`. */
  path: string
  permission: Permission
}

const OPERATIONS: Operation[] = admin.openAPIRegistry.definitions
  .filter((definition) => definition.type === 'route')
  .map(({ route }) => {
    const {
      method,
      path,
      'x-permission': permission,
    } = route as unknown as Operation & { 'x-permission': Permission }
    return { method: method.toUpperCase(), path: path.replace(/\/$/, ''), permission }
  })
  .toSorted((one, other) => `${one.path} ${one.method}`.localeCompare(`${other.path} ${other.method}`))

/** Something of the team that `member` is in and `lead` leads: of the member's own, where it is anybody's. */
async function target(stage: Stage, path: string): Promise<string> {
  const { users, teams, make, makeKey } = stage
  const filled = path.replace('{user}', users.member)
  if (path.startsWith('/teams')) return filled.replace('{id}', teams.theirs)
  if (path.startsWith('/users')) return filled.replace('{id}', users.member)
  if (path.startsWith('/keys')) return filled.replace('{id}', (await makeKey('member')).id)
  if (path.startsWith('/tokens')) {
    return filled.replace('{id}', (await make('/admin/tokens', { name: 'x', user_id: users.member })).id)
  }
  return filled.replaceAll(/\{\w+\}/g, 'none')
}

type Cell = 'answered' | 'refused' | 'not there'

/** What was asked may still be wrong, or be of something that nobody has: then it was let past. */
function cellOf({ status }: Answer, root: Answer): Cell {
  if (status === 401 || status === 403) return 'refused'
  return status === 404 && root.status !== 404 ? 'not there' : 'answered'
}

/** Whether the table of permissions lets somebody in, and whether as far as to that target. */
function expected(who: Who, permission: Permission): Cell {
  if (who === 'anonymous' || who === 'llmKey') return 'refused'
  if (who === 'root') return 'answered'
  const changes = !permission.endsWith('.read')
  if (who === 'readOnlyAdmin') return changes ? 'refused' : expected('admin', permission)
  const isLead = who === 'lead' || who === 'otherLead'
  const own = reachOf(who === 'admin' || who === 'auditor' ? who : 'member', permission)
  const lead = isLead ? reachOf('lead', permission) : undefined
  if (own === undefined && lead === undefined) return 'refused'
  if (own === 'all' || lead === 'all') return 'answered'
  if (who === 'member' && own !== undefined) return 'answered'
  return who === 'lead' && lead === 'team' ? 'answered' : 'not there'
}

const found = new Map<Operation, Map<Who, Cell>>()

describe('every operation', () => {
  test('there are some', () => {
    expect(OPERATIONS.length).toBeGreaterThan(25)
  })

  test.each(OPERATIONS)('$method $path', async (operation) => {
    const { method, path, permission } = operation
    let stage = await peopleOn(replicaOn(database))
    const call = async (who: Who) => {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {}
      const answer = await stage.ask(who, method, `/admin${await target(stage, path)}`, body)
      // What has been changed is not what the next one is to find.
      if (method !== 'GET' && answer.status < 300) stage = await peopleOn(replicaOn(database))
      return answer
    }
    const root = await call('root')
    expect(root.status, root.text).not.toBe(500)
    const cells = new Map<Who, Cell>()
    found.set(operation, cells)
    for (const who of WHO) {
      const answer = who === 'root' ? root : await call(who)
      const cell = cellOf(answer, root)
      cells.set(who, cell)
      const wanted = expected(who, permission)
      // A target that has no owner, or a list, is the same for all who are let in.
      const hasOwner = /^\/(keys|users|teams|tokens)\/\{/.test(path)
      expect(cell, `${who}: ${answer.text}`).toBe(hasOwner || wanted === 'refused' ? wanted : 'answered')
    }
  })
})

describe('a route that says nothing of permissions', () => {
  test.each(['get', 'all'] as const)('keeps the gateway from starting: %s', (method) => {
    const api = new OpenAPIHono<AdminEnv>()
    api.use((_, next) => next())
    expect(() => requirePermissions(api)).not.toThrow()
    api[method]('/open', (c) => c.text('to everybody with a token'))
    expect(() => requirePermissions(api)).toThrow(`${method.toUpperCase()} /open declares no permission`)
  })
})

const TITLES: Record<Who, string> = {
  anonymous: 'nobody',
  llmKey: 'a key',
  admin: 'admin',
  auditor: 'auditor',
  lead: 'its lead',
  member: 'whose it is',
  otherLead: 'another lead',
  otherMember: 'anybody else',
  readOnlyAdmin: 'read-only token',
  root: 'root',
}
const LETTERS: Record<Cell, string> = { answered: '●', refused: '', 'not there': '○' }

test('docs/permissions.md says what was found', () => {
  const reaches = PERMISSION_NAMES.map(
    (permission) =>
      `| \`${permission}\` | ${ROLES.map((role) => reachOf(role, permission) ?? '').join(' | ')} |`,
  )
  const routes = OPERATIONS.map((operation) => {
    const cells = WHO.map((who) => LETTERS[found.get(operation)?.get(who) ?? 'refused'])
    return `| \`${operation.method} ${operation.path}\` | \`${operation.permission}\` | ${cells.join(' | ')} |`
  })
  const page = pageOf('permissions')
  const one = `| | ${ROLES.join(' | ')} |\n|---|${ROLES.map(() => '---').join('|')}|\n${reaches.join('\n')}\n`
  const two = `| | needs | ${WHO.map((who) => TITLES[who]).join(' | ')} |\n|---|---|${WHO.map(() => ':-:').join('|')}|\n${routes.join('\n')}\n`
  const text = withPart({ ...page, text: withPart(page, 'permissions', one) }, 'operations', two)
  if (process.env['UPDATE_DOCS']) writeFileSync(page.path, text)
  else expect(page.text, 'run: npm run docs:permissions').toBe(text)
})
