/** What reports cost, and what they cost the calls that go on beside them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeBedrock } from '../../test/fakes/bedrock.ts'
import { type Gateway, SECRET_KEY, startGateway } from '../../test/whole/gateway.ts'
import { startLoad } from '../../test/whole/load.ts'
import { quantile } from '../figures.ts'
import { DAYS } from './stock.ts'

/** Milliseconds. */
export interface Times {
  count: number
  p50: number
  p95: number
  p99: number
}

export interface Measured {
  reports: readonly (Times & { name: string })[]
  /** `POST /v1/messages` to the first byte of its answer: alone, and beside people who look at reports. */
  alone: Times
  beside: Times
  /** Calls that were not answered to their end. */
  failed: number
}

interface Wish {
  url: string
  bedrock: FakeBedrock
  seconds: number
  /** How often each report is asked for. */
  rounds: number
}

const CALLERS = 4
/** Reports that are asked for at once; the gateway gives them two connections. */
const READERS = 3

export async function measure({ url, bedrock, seconds, rounds }: Wish): Promise<Measured> {
  const gateway = await startGateway({ bedrock, env: { DATABASE_URL: url, SECRET_KEY } })
  try {
    const { key } = await gateway.makeKey()
    const calls = () => startLoad(gateway.port, key, { callers: CALLERS, words: '!say hello', pause: 25 })
    const warm = calls()
    await sleep(2_000)
    await warm.stop()
    const quiet = calls()
    await sleep(seconds * 1_000)
    const before = await quiet.stop()
    const busy = calls()
    const reports = await readAll(gateway, rounds, seconds)
    const after = await busy.stop()
    return {
      reports,
      alone: timesOf(before.map(({ firstByte }) => firstByte)),
      beside: timesOf(after.map(({ firstByte }) => firstByte)),
      failed: [...before, ...after].filter(({ finished }) => !finished).length,
    }
  } finally {
    await gateway.clear()
  }
}

/** What people look at, and what they download. */
function pages(): Readonly<Record<string, string>> {
  const from = (days: number) =>
    `from=${new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10)}`
  return {
    '30 days by day': `/usage?by=day&${from(30)}`,
    '30 days by team': `/usage?by=team&${from(30)}`,
    '30 days by user and model': `/usage?by=user,model&${from(30)}&limit=100`,
    '30 days of one team by day and user': `/usage?by=day,user&team=team_7&${from(30)}`,
    '90 days of one user by day': `/usage?by=day&user=user_7&${from(90)}`,
    '7 days by hour': `/usage?by=hour&${from(7)}`,
    [`${DAYS} days by month and team`]: `/usage?by=month,team&${from(DAYS)}`,
    [`${DAYS} days by day and team`]: `/usage?by=day,team&${from(DAYS)}&limit=5000`,
    '30 days by day, team, user and model, as CSV': `/usage.csv?by=day,team,user,model&${from(30)}`,
    'the ledger, newest 100': '/requests?limit=100',
    'the ledger of one user, newest 100': '/requests?limit=100&user=user_7',
  }
}

/** For so many rounds, and at the least for so many seconds. */
async function readAll(gateway: Gateway, rounds: number, seconds: number): Promise<Measured['reports']> {
  const times = new Map<string, number[]>()
  const until = Date.now() + seconds * 1_000
  async function readEach() {
    for (const [name, path] of Object.entries(pages())) {
      const began = performance.now()
      const answer = await gateway.admin('GET', path)
      const body = await answer.text()
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${body}`)
      times.set(name, [...(times.get(name) ?? []), performance.now() - began])
    }
  }
  await Promise.all(
    Array.from({ length: READERS }, async () => {
      for (let round = 0; round < Math.ceil(rounds / READERS) || Date.now() < until; round++) await readEach()
    }),
  )
  return [...times].map(([name, each]) => ({ name, ...timesOf(each) }))
}

function timesOf(samples: readonly (number | undefined)[]): Times {
  const known = samples.filter((each) => each !== undefined)
  const at = (share: number) => quantile(known, share)
  return { count: known.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
