import { expect, test } from 'vitest'
import type { LedgerRow } from '../../src/data/rows.ts'
import { rowFromJson, rowToJson } from '../../src/data/rows.ts'
import { drain } from '../../src/edge/queue.ts'
import { rowMaker } from '../data/rows.ts'
import { testRuntime } from '../runtime.ts'

const ROW = rowMaker()({
  id: 'req_1',
  status: 'succeeded',
  costNano: 9_007_199_254_740_991,
  startedAt: new Date(Date.UTC(2026, 10, 20, 12, 0, 0, 7)),
})

/** A message as Cloudflare delivers it, and what was said of it. */
function message(rows: LedgerRow[], attempts = 1) {
  const said: unknown[] = []
  const body: unknown = JSON.parse(JSON.stringify(rows.map(rowToJson)))
  const retry = (options: unknown) => void said.push(options)
  return { body, attempts, ack: () => void said.push('ack'), retry, said }
}

test('a row comes out of JSON as it went in', () => {
  expect(rowFromJson(JSON.parse(JSON.stringify(rowToJson(ROW))))).toEqual(ROW)
})

test('what is written is acknowledged, each message for itself', async () => {
  const runtime = testRuntime()
  const messages = [message([ROW, { ...ROW, id: 'req_2' }]), message([ROW])]
  await drain(runtime, { messages })
  expect(runtime.rows).toEqual([ROW, { ...ROW, id: 'req_2' }])
  expect(messages.map(({ said }) => said)).toEqual([['ack'], ['ack']])
})

test('what is not written comes again, later each time, and keeps nothing else back', async () => {
  const runtime = testRuntime()
  const { write } = runtime.data.ledger
  runtime.data.ledger.write = (row) =>
    row.id === 'req_bad' ? Promise.reject(new Error('the database is away')) : write(row)
  const bad = { ...ROW, id: 'req_bad' }
  const messages = [message([ROW]), message([bad], 1), message([bad], 3), message([bad], 99)]
  await drain(runtime, { messages })
  expect(runtime.rows).toEqual([ROW])
  expect(messages.map(({ said }) => said)).toEqual([
    ['ack'],
    [{ delaySeconds: 15 }],
    [{ delaySeconds: 45 }],
    [{ delaySeconds: 600 }],
  ])
})

test('what cannot be read as rows comes again too, and ends among what is lost', async () => {
  const odd = { ...message([]), body: 'nothing of ours' }
  await drain(testRuntime(), { messages: [odd] })
  expect(odd.said).toEqual([{ delaySeconds: 15 }])
})
