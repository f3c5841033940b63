/** A thousand callers that hang up: the ledger has their rows, and nothing else of them is left. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeBedrock, type SeenRequest, startFakeBedrock } from '../fakes/bedrock.ts'
import { thing } from '../fakes/json.ts'
import { slow } from '../fakes/steps.ts'
import { chance } from './chance.ts'
import { eventually } from './eventually.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { hungUp, stream } from './streams.ts'

let fake: FakeBedrock
let gateway: Gateway
beforeAll(async () => {
  fake = await startFakeBedrock()
  const flags = ['--expose-gc', '--import', join(import.meta.dirname, 'heap.js')]
  gateway = await startGateway({ bedrock: fake, flags, env: { LOG_LEVEL: 'warn' } })
})
afterAll(async () => {
  await gateway.clear()
  await fake.close()
})

const STREAMS = 1_000
const WARM_UP = 300
const AT_ONCE = 50
/** A stream takes about a second unless somebody hangs up. */
const PACE = 20
const WORDS = '!long 40'

test('a thousand streams hung up at random points: every row settled, no socket and no memory left', async () => {
  await hangUpMany(WARM_UP, 1)
  await allQuiet()
  const before = await heapOfGateway()
  const begun = Date.now()
  fake.reset()
  const { id, reached } = await hangUpMany(STREAMS, 2)
  const took = Date.now() - begun
  await allQuiet()
  const after = await heapOfGateway()

  const rows = await gateway.spend({ key: id })
  const counts = countBy(rows, ({ status }) => status)
  const early = fake.seen.filter(({ closedEarly }) => closedEarly).length
  const change = after.heapUsed / before.heapUsed - 1
  console.info(
    `${rows.length} rows ${JSON.stringify(counts)}; upstream saw ${reached.size}, given up ${early}; ${took} ms; ` +
      `heap ${mib(before.heapUsed)} -> ${mib(after.heapUsed)} MiB (${(change * 100).toFixed(1)} %); ` +
      `rss ${mib(before.rss)} -> ${mib(after.rss)} MiB; sockets ${fake.openSockets()}`,
  )
  expect(reached.size).toBeGreaterThanOrEqual(STREAMS)
  const names = rows.map(({ session_id }) => session_id)
  expect(new Set(names).size, 'one row a stream').toBe(rows.length)
  expect(
    [...reached].filter((name) => !names.includes(name)),
    'reached upstream, but has no row',
  ).toEqual([])
  expect(Object.keys(counts).toSorted()).toEqual(['cancelled', 'succeeded'])
  expect(counts['cancelled']).toBeGreaterThan(STREAMS / 2)
  expect(fake.openSockets()).toBe(0)
  expect(change).toBeLessThan(0.1)
  expect(gateway.stdout(), 'who hangs up is nothing to complain of').not.toMatch(/"level":"(warn|error)"/)
}, 180_000)

/** Streams that end at random, until so many of them reached upstream; each has a name of its own. */
async function hangUpMany(count: number, seed: number) {
  const { id, key: secret } = await gateway.makeKey()
  const dice = chance(seed)
  const reached = new Set<string>()
  let begun = 0
  const worker = async () => {
    for (let turn = 0; turn < count && namesIn(fake.seen, reached).size < count; turn++) {
      fake.script(slow(PACE))
      const name = `stream-${seed}-${begun++}`
      const headers = { 'x-claude-code-session-id': name }
      const caller = stream(gateway.port, secret, WORDS, { metadata: { user_id: name } }, headers)
      await hungUp(caller, momentOf(dice.below(10), dice.below(1_000)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { id, reached: namesIn(fake.seen, reached) }
}

/** Mostly somewhere in the stream; also at once, about when the first byte comes, and never. */
function momentOf(kind: number, roll: number): number {
  if (kind === 0) return roll / 100
  if (kind === 1) return roll / 20
  if (kind === 2) return 60_000
  return roll
}

function namesIn(seen: readonly SeenRequest[], names: Set<string>): Set<string> {
  for (const { body } of seen.slice(names.size)) names.add(String(thing(thing(body)['metadata'])['user_id']))
  return names
}

/** No row pending, no reply under way, and idle connections closed. */
async function allQuiet() {
  await eventually(async () => ((await gateway.spend({ status: 'pending' })).length === 0 ? true : undefined))
  await eventually(() => (fake.seen.every(({ closedAt }) => closedAt !== undefined) ? true : undefined))
  await eventually(() => (fake.openSockets() === 0 ? true : undefined), { within: 60_000 })
}

interface Heap {
  heapUsed: number
  rss: number
}

async function heapOfGateway(): Promise<Heap> {
  const said = () => gateway.stderr().match(/^heap .*$/gm) ?? []
  const already = said().length
  gateway.signal('SIGUSR2')
  const line = await eventually(() => said()[already])
  return JSON.parse(line.slice('heap '.length)) as Heap
}

function countBy<T>(items: readonly T[], name: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1
  return counts
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
