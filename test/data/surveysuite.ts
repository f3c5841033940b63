/** What is found out about upstreams: by one of those who ask, for all of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Data, dataIn } from '../../src/data/data.ts'
import type { OpenDatabase } from '../../src/data/database.ts'
import type { Findings } from '../../src/protocol/findings.ts'
import { NOW } from './rows.ts'

const MINUTE = 60_000
const FOUND: Findings = {
  offers: [{ id: 'us.anthropic.claude-opus-6', regions: ['us-east-1'], refused: 'it says "no"' }],
  quotas: [],
  checks: [{ action: 'bedrock:ListInferenceProfiles', verdict: 'passed', says: 'yes' }],
  asked: { quotas: NOW },
}

export function surveySuite(open: () => Promise<OpenDatabase>) {
  let opened: OpenDatabase
  let data: Data
  beforeAll(async () => {
    opened = await open()
    data = dataIn(opened.database, () => {})
  })
  afterAll(() => opened.close())

  const claim = (id: string, at: number) =>
    data.surveys.claim(id, {
      at: new Date(at),
      until: new Date(at + 2 * MINUTE),
      unless: new Date(at - 10 * MINUTE),
    })

  describe('surveys', () => {
    test('are claimed by one of many who ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => claim('at-once', NOW)))
      expect(answers.filter((won) => won)).toHaveLength(1)
    })

    test('may be claimed anew when whoever claimed them has not come back', async () => {
      expect(await claim('lost', NOW)).toBe(true)
      expect(await claim('lost', NOW + MINUTE)).toBe(false)
      expect(await claim('lost', NOW + 2 * MINUTE + 1)).toBe(true)
    })

    test('are not claimed while what is known is young enough', async () => {
      expect(await claim('known', NOW)).toBe(true)
      await data.surveys.keep('known', FOUND, new Date(NOW))
      expect(await claim('known', NOW + 5 * MINUTE)).toBe(false)
      expect(await claim('known', NOW + 10 * MINUTE + 1)).toBe(true)
    })

    test('are there for all as they were found, until they are forgotten', async () => {
      await data.surveys.keep('kept', FOUND, new Date(NOW))
      await data.surveys.keep('kept', { ...FOUND, quotas: [] }, new Date(NOW + 1))
      const of = async () => (await data.surveys.all()).find(({ upstreamId }) => upstreamId === 'kept')
      expect(await of()).toEqual({
        upstreamId: 'kept',
        findings: FOUND,
        at: new Date(NOW + 1),
        claimedUntil: null,
      })
      await data.surveys.forget('kept')
      expect(await of()).toBeUndefined()
    })
  })
}
