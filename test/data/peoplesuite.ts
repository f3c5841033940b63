/** What is kept of users, teams, memberships, keys' owners and tokens, whichever Postgres it is. */
import { describe, expect, test } from 'vitest'
import type { Data } from '../../src/data/data.ts'
import { isTaken } from '../../src/data/database.ts'
import type { Team } from '../../src/data/teams.ts'
import type { User } from '../../src/data/users.ts'
import { createKey, rotateKey } from '../../src/gateway/keys.ts'
import { createToken } from '../../src/gateway/tokens.ts'
import { newId } from '../../src/protocol/ids.ts'
import { NOW } from './rows.ts'

const ALL = { all: true, teams: [], userId: undefined }
const NOTHING = { all: false, teams: [], userId: undefined }

/** @param transactions whether this database has them */
export function peopleSuite(opened: () => { data: Data }, transactions: boolean) {
  let time = NOW
  const now = () => time++
  const at = new Date(NOW)
  const allowance = { requestsPerMinute: 5, tokensPerMinute: 5_000_000_000, concurrent: null }

  async function user(name: string, more: Partial<User> = {}): Promise<User> {
    const made: User = {
      id: newId('user', now()),
      name,
      email: null,
      subject: null,
      role: 'member',
      ...allowance,
      createdAt: at,
      deactivatedAt: null,
      archivedAt: null,
      ...more,
    }
    await opened().data.users.create(made)
    return made
  }

  async function team(name: string, more: Partial<Team> = {}): Promise<Team> {
    const id = newId('team', now())
    const made: Team = {
      id,
      name: `${name} ${id}`,
      models: ['claude-haiku-*'],
      deniedModels: null,
      routing: null,
      ...allowance,
      createdAt: at,
      archivedAt: null,
      ...more,
    }
    await opened().data.teams.create(made)
    return made
  }

  const join = (teamId: string, userId: string, role: 'lead' | 'member' = 'member') =>
    opened().data.memberships.put({ teamId, userId, role, createdAt: at })
  const names = (rows: readonly { name: string }[]) => rows.map(({ name }) => name)
  const taken = (error: unknown) => {
    expect(isTaken(error)).toBe(true)
  }

  describe('users', () => {
    test('come back as they were made, change only in what is said, and are gone when archived', async () => {
      const { users } = opened().data
      const made = await user('Zoë', { email: 'zoe@example.com', subject: 'sub-zoe' })
      expect(await users.byId(made.id)).toEqual(made)
      expect(await users.lock(made.id)).toEqual(made)
      expect(await users.change(made.id, { role: 'auditor', name: undefined })).toEqual({
        ...made,
        role: 'auditor',
      })
      expect(await users.change(made.id, {})).toMatchObject({ role: 'auditor' })
      expect(await users.change(made.id, { archivedAt: at })).toMatchObject({ archivedAt: at })
      expect(await users.byId(made.id)).toBeUndefined()
      expect(await users.change(made.id, { name: 'x' })).toBeUndefined()
    })

    test('have an e-mail address alone, until they are archived', async () => {
      const { users } = opened().data
      const email = 'only@example.com'
      const one = await user('one', { email })
      await user('two', { email }).then(() => expect.fail('twice'), taken)
      const two = await user('two', { email: 'two@example.com' })
      await users.change(two.id, { email }).then(() => expect.fail('twice'), taken)
      await users.change(one.id, { archivedAt: at })
      expect(await users.change(two.id, { email })).toMatchObject({ email })
    })

    test('are found by how their name or e-mail begins; what looks like a pattern is none', async () => {
      const { users } = opened().data
      await user('Percent 100% Sure', { email: 'hundred_percent@example.com' })
      await user('Percent 100 Sure')
      const found = async (search: string) => names(await users.list({ within: ALL, search, limit: 10 }))
      expect(await found('percent 100')).toEqual(['Percent 100% Sure', 'Percent 100 Sure'])
      expect(await found('PERCENT 100%')).toEqual(['Percent 100% Sure'])
      expect(await found('Hundred_')).toEqual(['Percent 100% Sure'])
      expect(await found('hundred%')).toEqual([])
      expect(await found('%')).toEqual([])
    })

    test('are listed as far as somebody sees: all, their teams, themselves, nobody', async () => {
      const { users } = opened().data
      const [ada, bob, eve] = [await user('see ada'), await user('see bob'), await user('see eve')]
      const ours = await team('see')
      await join(ours.id, ada.id)
      await join(ours.id, bob.id)
      const seen = async (within: object) =>
        names(await users.list({ within: { ...NOTHING, ...within }, search: 'see ', limit: 10 }))
      expect(await seen({ all: true })).toEqual(['see ada', 'see bob', 'see eve'])
      expect(await seen({ teams: [ours.id] })).toEqual(['see ada', 'see bob'])
      expect(await seen({ teams: [ours.id], userId: eve.id })).toEqual(['see ada', 'see bob', 'see eve'])
      expect(await seen({ userId: eve.id })).toEqual(['see eve'])
      expect(await seen({})).toEqual([])
      const page = await users.list({ within: ALL, search: 'see ', after: ada.id, limit: 1 })
      expect(names(page)).toEqual(['see bob'])
    })

    test('that are admins and can come in are told, others are not', async () => {
      const { data } = opened()
      const chief = await user('chief', { role: 'admin' })
      const away = await user('away', { role: 'admin', deactivatedAt: at })
      const admins = await data.atomically(({ users }) => users.lockAdmins())
      expect(admins).toContain(chief.id)
      expect(admins).not.toContain(away.id)
    })
  })

  const who = transactions ? 'at once do not both' : 'one after the other do not both'
  test(`two admins who demote each other ${who} succeed`, async () => {
    const { data } = opened()
    const pair = [await user('one', { role: 'admin' }), await user('two', { role: 'admin' })]
    const ids = pair.map(({ id }) => id)
    const demote = (id: string) =>
      data.atomically(async ({ users }) => {
        const admins = await users.lockAdmins()
        if (ids.every((each) => admins.includes(each))) await users.change(id, { role: 'member' })
      })
    if (transactions) await Promise.all(ids.map(demote))
    else for (const id of ids) await demote(id)
    const roles = await Promise.all(ids.map(async (id) => (await data.users.byId(id))?.role))
    expect(roles.toSorted()).toEqual(['admin', 'member'])
  })

  describe('teams', () => {
    test('come back as they were made, and have a name alone, in upper or lower case', async () => {
      const { teams } = opened().data
      const made = await team('Alone')
      expect(await teams.byId(made.id)).toEqual(made)
      await team('x', { name: made.name.toUpperCase() }).then(() => expect.fail('twice'), taken)
      await teams.change(made.id, { archivedAt: at })
      expect(await teams.byId(made.id)).toBeUndefined()
      await team('x', { name: made.name })
    })

    test('are listed as far as somebody sees: all, those they lead, those they are in', async () => {
      const { teams } = opened().data
      const [led, joined, other] = [await team('seen'), await team('seen'), await team('seen')]
      const ada = await user('Ada')
      await join(joined.id, ada.id)
      const seen = async (within: object) =>
        (await teams.list({ within: { ...NOTHING, ...within }, search: 'SEEN', limit: 10 })).map(
          ({ id }) => id,
        )
      expect(await seen({ all: true })).toEqual([led.id, joined.id, other.id])
      expect(await seen({ teams: [led.id], userId: ada.id })).toEqual([led.id, joined.id])
      expect(await seen({})).toEqual([])
    })

    test('have members, each once, in the part that they were given last', async () => {
      const { memberships, teams, users } = opened().data
      const [ours, gone] = [await team('ours'), await team('gone')]
      const [ada, bob] = [await user('Ada'), await user('Bob', { email: 'bob@example.com' })]
      await join(ours.id, ada.id)
      await join(ours.id, bob.id)
      await join(ours.id, ada.id, 'lead')
      await join(gone.id, ada.id)
      expect(await memberships.in(ours.id, { limit: 10 })).toEqual([
        { id: ada.id, name: 'Ada', email: null, role: 'lead' },
        { id: bob.id, name: 'Bob', email: 'bob@example.com', role: 'member' },
      ])
      expect(await memberships.in(ours.id, { after: ada.id, limit: 1 })).toMatchObject([{ id: bob.id }])
      await teams.change(gone.id, { archivedAt: at })
      expect(await memberships.of([ada.id, bob.id])).toMatchObject([
        { teamId: ours.id, userId: ada.id, role: 'lead' },
        { teamId: ours.id, userId: bob.id, role: 'member' },
      ])
      expect(await memberships.of([])).toEqual([])
      await users.change(bob.id, { archivedAt: at })
      expect(await memberships.in(ours.id, { limit: 10 })).toMatchObject([{ id: ada.id }])
      expect(await memberships.drop(ours.id, ada.id)).toMatchObject({ role: 'lead' })
      expect(await memberships.drop(ours.id, ada.id)).toBeUndefined()
      expect(await memberships.find(ours.id, ada.id)).toBeUndefined()
    })
  })

  describe('a key with an owner', () => {
    test('is looked up together with its user, its team, and whether the one is in the other', async () => {
      const { data } = opened()
      const [ada, ours] = [await user('Ada'), await team('ours')]
      await join(ours.id, ada.id)
      const { key } = await createKey({ data, now }, { name: 'k', userId: ada.id, teamId: ours.id })
      expect(await data.keys.byHash(key.hash)).toEqual({ key, user: ada, team: ours, isMember: true })
      await data.memberships.drop(ours.id, ada.id)
      expect(await data.keys.byHash(key.hash)).toMatchObject({ isMember: false })
      const { key: service } = await createKey({ data, now }, { name: 's', teamId: ours.id })
      expect(await data.keys.byHash(service.hash)).toMatchObject({ user: null, isMember: true })
    })

    test('is found by the secret before, by its owner, and as far as somebody sees', async () => {
      const { data } = opened()
      const [ada, ours] = [await user('Ada'), await team('ours')]
      const { key } = await createKey({ data, now }, { name: 'turn%', userId: ada.id, teamId: ours.id })
      const rotated = await rotateKey({ data, now }, key, 1_000)
      expect(await data.keys.byHash(key.hash)).toMatchObject({ key: { id: key.id, previousHash: key.hash } })
      expect(await data.keys.hashesOf({ userId: ada.id })).toEqual([rotated?.key.hash, key.hash])
      expect(await data.keys.hashesOf({ teamId: ours.id })).toHaveLength(2)
      // Who comes with what the key was before is too late.
      expect(await rotateKey({ data, now }, key, 1_000)).toBeUndefined()
      const seen = async (page: object) =>
        (await data.keys.list({ within: NOTHING, limit: 10, ...page })).map(({ id }) => id)
      const more = { all: false, teams: [ours.id], userId: undefined }
      expect(await seen({})).toEqual([])
      expect(await seen({ within: more })).toEqual([key.id])
      expect(await seen({ within: { ...NOTHING, userId: ada.id } })).toEqual([key.id])
      expect(await seen({ within: ALL, team: ours.id, user: ada.id, search: 'TURN%' })).toEqual([key.id])
      expect(await seen({ within: ALL, team: ours.id, search: 'turn_' })).toEqual([])
    })

    test('keeps when it was used, unless that was noted just now', async () => {
      const { data } = opened()
      const { key } = await createKey({ data, now }, { name: 'used' })
      const used = async (seconds: number) => {
        const moment = NOW + seconds * 1_000
        await data.keys.touch(key.id, new Date(moment), new Date(moment - 60_000))
        return (await data.keys.byId(key.id))?.lastUsedAt
      }
      expect(await used(0)).toEqual(new Date(NOW))
      expect(await used(59)).toEqual(new Date(NOW))
      expect(await used(61)).toEqual(new Date(NOW + 61_000))
    })
  })

  test('a token is found with whom it speaks for, until it is revoked', async () => {
    const { data } = opened()
    const ada = await user('Ada')
    const wish = { userId: ada.id, name: 'ci', readOnly: true, expiresAt: at }
    const { token } = await createToken({ data, now }, wish)
    expect(await data.tokens.byHash(token.hash)).toEqual({ token, user: ada })
    expect(await data.tokens.byId(token.id)).toEqual(token)
    const seen = async (within: object) => data.tokens.list({ within: { ...NOTHING, ...within }, limit: 10 })
    expect(await seen({ userId: ada.id })).toEqual([token])
    expect(await seen({ teams: ['team_1'] })).toEqual([])
    expect(await data.tokens.list({ within: ALL, user: ada.id, limit: 10 })).toEqual([token])
    await data.tokens.touch(token.id, at, at)
    expect(await data.tokens.byId(token.id)).toMatchObject({ lastUsedAt: at })
    expect(await data.tokens.revoke(token.id, at)).toMatchObject({ revokedAt: at })
    expect(await data.tokens.revoke(token.id, at)).toBeUndefined()
    expect(await data.tokens.byHash(token.hash)).toBeUndefined()
  })
}
