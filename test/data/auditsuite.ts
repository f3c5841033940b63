/** What the audit log must do, and changes that are made together with it, whichever Postgres it is. */
import { describe, expect, test } from 'vitest'
import { type AuditEntry, GENESIS, hashOfEntry } from '../../src/data/audit.ts'
import type { Data } from '../../src/data/data.ts'
import { NOW } from './rows.ts'

/** @param transactions whether this database has them */
export function auditSuite(opened: () => { data: Data }, transactions: boolean) {
  const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
    at: new Date(NOW),
    actor: 'root',
    actorName: 'root',
    action: 'key.create',
    target: 'key:key_1',
    before: null,
    after: '{"name":"Zoë"}',
    address: '192.0.2.7',
    requestId: 'req_1',
    breakGlass: true,
    ...more,
  })

  describe('the audit log', () => {
    test('numbers entries without gaps and chains each to the one before, however many come at once', async () => {
      const { data } = opened()
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, index) => data.audit.append(entry({ target: `key:${index}` }))),
      )
      expect(made.map(({ number }) => number).toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: 20 }, (_, index) => index + 1),
      )
      let previous = GENESIS
      for (const { hash, ...row } of await data.audit.chain({ after: 0, limit: 100 })) {
        expect(hash).toBe(await hashOfEntry(previous, row))
        previous = hash
      }
    })

    test('is found by actor, target, action and time, newest first, page by page', async () => {
      const { data } = opened()
      const day = 86_400_000
      for (const [index, action] of ['find.one', 'find.two', 'finder.one'].entries())
        await data.audit.append(
          entry({
            actor: `token:${index}`,
            target: 'find:it',
            action,
            at: new Date(NOW + (index + 1) * day),
          }),
        )
      const actions = async (filter: object) =>
        (await data.audit.find({ target: 'find:it', limit: 10, ...filter })).map(({ action }) => action)
      expect(await actions({})).toEqual(['finder.one', 'find.two', 'find.one'])
      expect(await actions({ action: 'find' })).toEqual(['find.two', 'find.one'])
      expect(await actions({ action: 'find.one' })).toEqual(['find.one'])
      expect(await actions({ actor: 'token:2' })).toEqual(['finder.one'])
      expect(await actions({ from: new Date(NOW + 2 * day), to: new Date(NOW + 3 * day) })).toEqual([
        'find.two',
      ])
      const [newest] = await data.audit.find({ limit: 1, target: 'find:it' })
      expect(await actions({ before: newest?.number, limit: 1 })).toEqual(['find.two'])
    })
  })

  describe('what is done atomically', () => {
    test('is all there afterwards, and answers', async () => {
      const { data } = opened()
      const answer = await data.atomically(async (tables) => {
        await tables.settings.put('together', 1)
        await tables.audit.append(entry({ target: 'setting:together' }))
        return 'done'
      })
      expect(answer).toBe('done')
      expect(await data.settings.get('together')).toBe(1)
      expect(await data.audit.find({ target: 'setting:together', limit: 1 })).toHaveLength(1)
    })

    test(`${transactions ? 'is undone by' : 'stops at'} an error, which comes out as it was`, async () => {
      const { data } = opened()
      const refused = new Error('no')
      const work = data.atomically(async (tables) => {
        await tables.settings.put('undone', 1)
        if (!transactions) throw refused
        await tables.audit.append(entry({ target: 'setting:undone' }))
        throw refused
      })
      await expect(work).rejects.toBe(refused)
      expect(await data.settings.get('undone')).toBe(transactions ? undefined : 1)
      expect(await data.audit.find({ target: 'setting:undone', limit: 1 })).toEqual([])
    })

    test('does not mix with what others do meanwhile, nor lose any of a crowd', async () => {
      const { data } = opened()
      const failing = Array.from({ length: 10 }, (_, index) =>
        data.atomically(async (tables) => {
          await tables.settings.put(`crowd ${index}`, index)
          await tables.audit.append(entry({ target: 'setting:crowd' }))
          if (index % 2 === 1) throw new Error('no')
        }),
      )
      const beside = Array.from({ length: 10 }, (_, index) => data.settings.put(`beside ${index}`, index))
      await Promise.allSettled([...failing, ...beside])
      for (let index = 0; index < 10; index++) expect(await data.settings.get(`beside ${index}`)).toBe(index)
      expect(await data.settings.get('crowd 3')).toBe(transactions ? undefined : 3)
      expect(await data.settings.get('crowd 4')).toBe(4)
      const entries = await data.audit.find({ target: 'setting:crowd', limit: 20 })
      expect(entries).toHaveLength(transactions ? 5 : 10)
    })
  })
}
