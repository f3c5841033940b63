/** When a key works and when it does not: its time, its rotation, where it comes from, and who stands behind it. */
import { describe, expect, test } from 'vitest'
import type { KeyStanding } from '../../src/data/keys.ts'
import type { Team } from '../../src/data/teams.ts'
import type { User } from '../../src/data/users.ts'
import { authenticate } from '../../src/gateway/authenticate.ts'
import { rotateKey } from '../../src/gateway/keys.ts'
import { keyIn, type TestRuntime, testRuntime } from '../runtime.ts'

const as = (runtime: TestRuntime, secret: string) =>
  authenticate(runtime, new Headers({ 'x-api-key': secret }))
const SECOND = 1_000
const MINUTE = 60_000

describe('a key that expires', () => {
  test('works to the millisecond, cached as it may be, and then says so', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    key.expiresAt = new Date(runtime.clock.now + 10 * SECOND)
    await as(runtime, secret)
    runtime.clock.now += 10 * SECOND - 1
    await as(runtime, secret)
    runtime.clock.now += 1
    await expect(as(runtime, secret)).rejects.toMatchObject({
      type: 'authentication_error',
      message: expect.stringContaining('expired'),
    })
    expect(runtime.lookUps()).toBe(1)
  })

  test('does not outlive its time because the database is away', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    key.expiresAt = new Date(runtime.clock.now + 5 * MINUTE)
    await as(runtime, secret)
    runtime.data.keys.byHash = () => Promise.reject(new Error('away'))
    runtime.clock.now += 4 * MINUTE
    await as(runtime, secret)
    runtime.clock.now += MINUTE
    await expect(as(runtime, secret)).rejects.toThrow('expired')
  })
})

describe('a key that is rotated', () => {
  test('has two secrets for a while, told apart by their hints, and then one', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    await as(runtime, secret)
    const rotated = await rotateKey(runtime, key, MINUTE)
    const next = rotated?.secret ?? ''
    expect(await as(runtime, next)).toMatchObject({ keyId: key.id, hint: next.slice(0, 9) })
    expect(await as(runtime, secret)).toMatchObject({ keyId: key.id, hint: secret.slice(0, 9) })
    runtime.clock.now += MINUTE
    await expect(as(runtime, secret)).rejects.toMatchObject({
      type: 'authentication_error',
      message: expect.stringContaining('replaced by a new one'),
    })
    expect(await as(runtime, next)).toMatchObject({ keyId: key.id })
  })

  test('twice has the last two: the first works no more, whatever time it had', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    const second = (await rotateKey(runtime, key, MINUTE))?.secret ?? ''
    const third = (await rotateKey(runtime, key, MINUTE))?.secret ?? ''
    await expect(as(runtime, secret)).rejects.toThrow('not known here')
    expect(await as(runtime, second)).toMatchObject({ keyId: key.id })
    expect(await as(runtime, third)).toMatchObject({ keyId: key.id })
  })

  test('at once has but the new one', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    await rotateKey(runtime, key, 0)
    await expect(as(runtime, secret)).rejects.toThrow('not known here')
  })

  test('does not live longer than it was to', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    key.expiresAt = new Date(runtime.clock.now + SECOND)
    await rotateKey(runtime, key, MINUTE)
    runtime.clock.now += SECOND
    await expect(as(runtime, secret)).rejects.toThrow('has expired')
  })
})

describe('a key for certain addresses', () => {
  const from = async (clientAddress: string | undefined) => {
    const runtime = testRuntime({ clientAddress })
    const { key, secret } = await keyIn(runtime)
    key.addresses = ['10.0.0.0/8', '2001:db8::/32']
    return as(runtime, secret)
  }

  test.each(['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1'])('works from %s', async (address) => {
    await expect(from(address)).resolves.toMatchObject({ keyName: 'test' })
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db9::1', '2001:db9::1'],
    [undefined, 'not known'],
    ['unix:/socket', 'unix:/socket'],
  ])('does not work from %s, and says so', async (address, said) => {
    await expect(from(address)).rejects.toMatchObject({
      type: 'permission_error',
      retry: false,
      message: expect.stringContaining(said),
    })
  })
})

describe('a key', () => {
  const user = { deactivatedAt: null, archivedAt: null } as User
  const team = { models: ['claude-*'], deniedModels: null, archivedAt: null } as Team
  const at = new Date()
  const owned = { key: { userId: 'user_1', teamId: 'team_1' }, user, team, isMember: true }

  async function standing({ key: more, ...rest }: Omit<KeyStanding, 'key'> & { key: object }) {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    runtime.data.keys.byHash = async () => ({ key: { ...key, ...more }, ...rest })
    return as(runtime, secret)
  }

  test('of a user and a team works while both are there and belong together', async () => {
    expect(await standing(owned)).toMatchObject({
      userId: 'user_1',
      teamId: 'team_1',
      models: [{ models: ['claude-*'], deniedModels: null }],
    })
  })

  test.each([
    ['whose user is deactivated', { ...owned, user: { ...user, deactivatedAt: at } }, 'deactivated'],
    ['whose user is archived', { ...owned, user: { ...user, archivedAt: at } }, 'deactivated'],
    ['whose user is not there', { ...owned, user: null }, 'deactivated'],
    ['whose team is archived', { ...owned, team: { ...team, archivedAt: at } }, 'team'],
    ['whose team is not there', { ...owned, team: null }, 'team'],
    ['whose user has left the team', { ...owned, isMember: false }, 'left the team'],
    ['of all that which is disabled too', { ...owned, key: { ...owned.key, disabledAt: at } }, 'disabled'],
  ])('%s is refused, with what to do', async (_, what, said) => {
    await expect(standing(what)).rejects.toMatchObject({
      type: 'permission_error',
      retry: false,
      message: expect.stringMatching(new RegExp(`${said}.* Ask `)),
    })
  })

  test('is noted as used once it is looked up: not for every request, and not by who waits for it', async () => {
    const runtime = testRuntime()
    const { key, secret } = await keyIn(runtime)
    const noted: number[] = []
    runtime.data.keys.touch = async (_, moment) => void noted.push(moment.getTime())
    for (let time = 0; time < 90; time++) {
      await as(runtime, secret)
      runtime.clock.now += SECOND
    }
    await runtime.settled()
    expect(noted.length).toBeGreaterThanOrEqual(2)
    expect(noted.length).toBeLessThanOrEqual(4)
    runtime.data.keys.touch = () => Promise.reject(new Error('away'))
    runtime.clock.now += 10 * MINUTE
    expect(await as(runtime, secret)).toMatchObject({ keyId: key.id })
    await runtime.settled()
  })
})
