import { expect, test } from 'vitest'
import type { Database } from '../../src/data/database.ts'
import { schemaCheck } from '../../src/edge/schema.ts'
import type { LogLevel } from '../../src/runtime.ts'

/** A database that says but one thing: when its newest migration was generated. */
function databaseOf(answer: () => Promise<{ newest: number; count: number }[]>) {
  let asked = 0
  const from = () => {
    asked++
    return answer()
  }
  return { database: { select: () => ({ from }) } as unknown as Database, asked: () => asked }
}

function checking() {
  const clock = { now: 0 }
  const lines: [LogLevel, string][] = []
  const check = schemaCheck({ now: () => clock.now, log: (level, line) => void lines.push([level, line]) })
  return { clock, lines, check }
}

const OLD = { newest: 1, count: 1 }

test('a wrong schema is refused, said in the log, and asked after again only after a while', async () => {
  const { clock, lines, check } = checking()
  const { database, asked } = databaseOf(async () => [OLD])
  const refused = {
    status: 503,
    retryAfter: 30,
    message: expect.stringMatching(/has schema 0000, .*db:migrate/),
  }
  await expect(check.pass(database)).rejects.toMatchObject(refused)
  await expect(check.pass(database)).rejects.toMatchObject(refused)
  expect(asked()).toBe(1)
  clock.now = 3_000
  await expect(check.pass(database)).rejects.toMatchObject(refused)
  expect(asked()).toBe(2)
  expect(lines.map(([level]) => level)).toEqual(['error', 'error'])
})

test('a database that does not answer keeps nobody out, and is not asked by everybody', async () => {
  const { clock, lines, check } = checking()
  const { database, asked } = databaseOf(() => Promise.reject(new Error('away')))
  await check.pass(database)
  await check.pass(database)
  expect(asked()).toBe(1)
  clock.now = 3_000
  await expect(check.pass(databaseOf(async () => [OLD]).database)).rejects.toMatchObject({ status: 503 })
  clock.now = 6_000
  await expect(check.pass(database), 'an outage does not make it right').rejects.toMatchObject({
    status: 503,
  })
  expect(lines).toHaveLength(1)
})
