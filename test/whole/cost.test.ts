/**
 * What the gateway costs, beside a proxy that translates nothing: never more of the processor than bench/margins.ts
 * allows, by ratios of one run. `npm run bench` has all the figures.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Running } from '../../bench/contenders/contender.ts'
import { onHosts } from '../../bench/contenders/outcrop.ts'
import { pipe } from '../../bench/contenders/pipe.ts'
import { MARGIN, MEASURED } from '../../bench/margins.ts'
import { playRound, warmUp } from '../../bench/rounds.ts'
import { scenarioOf } from '../../bench/scenarios.ts'
import { type Stage, setStage } from '../../bench/stage.ts'

let stage: Stage
let ours: Running
let theirs: Running
beforeAll(async () => {
  stage = await setStage({ placed: false })
  const [onNode] = onHosts
  if (!onNode) throw new Error('Outcrop does not run on Node')
  ;[ours, theirs] = await Promise.all([stage.start(onNode), stage.start(pipe)])
})
afterAll(async () => {
  await Promise.all([ours.stop(), theirs.stop()])
  await stage.close()
})

const WARM_UP = { requests: 1_000, seconds: 2.5 }
const ROUNDS = 3
const SECONDS = 0.4

for (const [name, measured] of Object.entries(MEASURED)) {
  const scenario = scenarioOf(name)
  test(`${scenario.title}: at most ${measured * MARGIN} times the processor time of a raw pipe`, async () => {
    const short = { ...scenario, load: { kind: 'closed', inFlight: 10, seconds: SECONDS } } as const
    for (const running of [theirs, ours]) await warmUp(stage, running, short, WARM_UP)
    const [floor, cost]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      floor.push(await cpuOf(theirs, short))
      cost.push(await cpuOf(ours, short))
    }
    // Neighbours only ever make it more: the least is nearest to the truth.
    const ratio = Math.min(...cost) / Math.min(...floor)
    console.log(`${name}: ${ratio.toFixed(1)} times the pipe's processor time`)
    expect(ratio).toBeGreaterThan(0)
    expect(ratio).toBeLessThan(measured * MARGIN)
  })
}

async function cpuOf(running: Running, scenario: Parameters<typeof playRound>[2]): Promise<number> {
  const { figures, trouble } = await playRound(stage, running, scenario)
  expect(trouble).toBeUndefined()
  return figures.cpu ?? Number.NaN
}
