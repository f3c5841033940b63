/** One round of a scenario on a contender, and several rounds put together. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from './contenders/contender.ts'
import { median } from './figures.ts'
import type { Heard } from './generator/tally.ts'
import { usageOf } from './processes.ts'
import type { Figure, Sample } from './result.ts'
import type { Scenario } from './scenarios.ts'
import type { Stage } from './stage.ts'

export interface Round {
  figures: Partial<Record<Figure, number>>
  trouble: string | undefined
}

/** What answers leave to be done, such as ledger rows, counts; it is over by then, in milliseconds. */
const AFTERWARDS = 60

export async function playRound(stage: Stage, running: Running, scenario: Scenario): Promise<Round> {
  const { body, manner, load } = scenario
  await stage.answer(manner)
  const before = await cpuOf(running)
  const heard = await stage.load({ target: running.target(body.stream), body, load })
  await sleep(AFTERWARDS)
  const cpu = ((await cpuOf(running)) - before) / heard.done
  return {
    figures: {
      rate: (heard.done / heard.elapsed) * 1_000,
      cpu,
      ...(body.stream ? { cpuPerEvent: cpu / manner.events } : {}),
      p50: heard.whole.p50,
      p99: heard.whole.p99,
      first50: heard.first.p50,
      first99: heard.first.p99,
      ...(manner.over > 0 ? { gap50: heard.gap.p50, gap99: heard.gap.p99 } : {}),
    },
    trouble: troubleIn(heard),
  }
}

/** So many requests of a scenario, within so many seconds: whoever compiles what runs often has to be given the time. */
export interface WarmUp {
  requests: number
  seconds: number
}

export async function warmUp(
  stage: Stage,
  running: Running,
  { body, manner, load }: Scenario,
  { requests, seconds }: WarmUp,
) {
  const inFlight = load.kind === 'closed' ? load.inFlight : 10
  await stage.answer({ ...manner, over: 0 })
  await stage.load({
    target: running.target(body.stream),
    body,
    load: { kind: 'closed', inFlight, seconds, most: requests },
  })
}

export function troubleIn({ refused, done, late }: Heard): string | undefined {
  const said = Object.entries(refused).map(([why, count]) => `${count} × ${why}`)
  if (late) said.push('answers that did not come')
  if (done === 0) said.push('none answered')
  return said.length > 0 ? said.join(', ') : undefined
}

export function sampled(contender: string, scenario: string, rounds: readonly Round[]): Sample {
  const names = new Set(rounds.flatMap(({ figures }) => Object.keys(figures) as Figure[]))
  const spreads = [...names].flatMap((name) => {
    const values = rounds.flatMap(({ figures }) => figures[name] ?? []).filter(Number.isFinite)
    if (values.length === 0) return []
    return [[name, { median: median(values), least: Math.min(...values), most: Math.max(...values) }]]
  })
  const trouble = rounds.flatMap((round) => round.trouble ?? []).join('; ')
  return {
    contender,
    scenario,
    figures: Object.fromEntries(spreads) as Sample['figures'],
    ...(trouble === '' ? {} : { trouble }),
  }
}

async function cpuOf({ pid }: Running): Promise<number> {
  return pid === undefined ? Number.NaN : (await usageOf(pid)).cpu
}
