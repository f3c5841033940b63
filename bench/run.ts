/**
 * The run: every contender is started, then each scenario is played in rounds in which every contender has its turn, so
 * that what the machine does meanwhile is done to all of them. Memory is measured on processes that did nothing before.
 */
import type { Contender, Running } from './contenders/contender.ts'
import { CONTENDERS } from './contenders/index.ts'
import { busy, machine } from './figures.ts'
import { OVERLOAD, overload } from './overload.ts'
import { usageOf } from './processes.ts'
import { AT_REST, AT_THE_END, type Result, type Sample, sampleOf } from './result.ts'
import { playRound, type Round, sampled, type WarmUp, warmUp } from './rounds.ts'
import { SCENARIOS, type Scenario, scenarioOf, WARMING } from './scenarios.ts'
import { keepSilence, SILENCES } from './silence.ts'
import { type Stage, setStage } from './stage.ts'
import { IDLE, type Words } from './words.ts'

/** The scenario that tells how much a contender can do. */
const CAPACITY = 'json-100k'

interface Entrant {
  contender: Contender
  running: Running
}

/** How much shorter a quick run's rounds are. */
const QUICK = 0.35
/**
 * Before everything, and before each scenario. The first five hundred requests of a process cost three times as much as
 * the five-thousandth: until then it is its compiler that is measured.
 */
const FIRST_WARM_UP: WarmUp = { requests: 6_000, seconds: 10 }
const WARM_UP: WarmUp = { requests: 1_000, seconds: 0.3 }

export async function measure(words: Words): Promise<Result> {
  const load = busy()
  const stage = await setStage({ profiles: words.profile, placed: true })
  const absent: Result['absent'] = []
  const invited = CONTENDERS.filter(({ name }) => words.contenders.includes(name))
  try {
    const entrants = await startAll(stage, invited, absent)
    const samples = await memoryAt(AT_REST, entrants)
    if (words.only.some((name) => name !== IDLE)) await warmAll(stage, entrants, words.quick)
    samples.push(...(await playScenarios(stage, entrants, words)))
    samples.push(...(await memoryAt(AT_THE_END, entrants)))
    if (words.only.includes(OVERLOAD)) samples.push(...(await overloadAll(stage, entrants, samples)))
    for (const { running } of entrants) await running.stop()
    if (words.only.includes(IDLE)) samples.push(...(await silences(stage, invited)))
    return {
      at: new Date().toISOString(),
      machine: machine(),
      cores: stage.cores.told,
      load,
      rounds: words.rounds,
      contenders: entrants.map(({ contender: { name, title }, running: { version } }) => ({
        name,
        title,
        version,
      })),
      absent,
      samples,
    }
  } finally {
    await stage.close()
  }
}

async function startAll(stage: Stage, invited: readonly Contender[], absent: Result['absent']) {
  const entrants: Entrant[] = []
  for (const contender of invited) {
    try {
      say(`starting ${contender.name}`)
      entrants.push({ contender, running: await stage.start(contender) })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      say(`without ${contender.name}: ${reason}`)
      absent.push({ name: contender.name, title: contender.title, reason })
    }
  }
  return entrants
}

async function warmAll(stage: Stage, entrants: readonly Entrant[], quick: boolean) {
  const seconds = FIRST_WARM_UP.seconds * (quick ? QUICK : 1)
  for (const { contender, running } of entrants) {
    say(`warming up ${contender.name}`)
    for (const name of WARMING) await warmUp(stage, running, scenarioOf(name), { ...FIRST_WARM_UP, seconds })
  }
}

async function playScenarios(
  stage: Stage,
  entrants: readonly Entrant[],
  { only, quick, rounds }: Words,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const wanted = SCENARIOS.filter(({ name }) => only.includes(name)).map((each) =>
    quick ? shortened(each) : each,
  )
  for (const scenario of wanted) {
    say(scenario.title)
    for (const { running } of entrants) await warmUp(stage, running, scenario, WARM_UP)
    const played = new Map<Entrant, Round[]>(entrants.map((each) => [each, []]))
    for (let round = 0; round < Math.min(rounds, scenario.rounds ?? rounds); round++)
      for (const [{ running }, list] of played) list.push(await playRound(stage, running, scenario))
    for (const [{ contender }, list] of played) samples.push(sampled(contender.name, scenario.name, list))
  }
  return samples
}

function shortened(scenario: Scenario): Scenario {
  const { load } = scenario
  return load.kind === 'streams'
    ? scenario
    : { ...scenario, load: { ...load, seconds: load.seconds * QUICK } }
}

/** Whose capacity is not known from the run itself is asked first. */
async function overloadAll(stage: Stage, entrants: readonly Entrant[], samples: readonly Sample[]) {
  const found: Sample[] = []
  const scenario = scenarioOf(CAPACITY)
  for (const { contender, running } of entrants) {
    if (running.pid === undefined) continue
    say(`past capacity: ${contender.name}`)
    const known = sampleOf(samples, contender.name, scenario.name)?.figures.rate?.median
    const capacity = known ?? (await playRound(stage, running, scenario)).figures.rate ?? 0
    const round = await overload(stage, running, capacity)
    if (round) found.push(sampled(contender.name, OVERLOAD, [round]))
  }
  return found
}

async function memoryAt(when: string, entrants: readonly Entrant[]): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const { contender, running } of entrants) {
    if (running.pid === undefined) continue
    const { memory } = await usageOf(running.pid)
    samples.push(sampled(contender.name, when, [{ figures: { memory }, trouble: undefined }]))
  }
  return samples
}

async function silences(stage: Stage, invited: readonly Contender[]): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const contender of invited) {
    for (const group of contender.hasOwnStore ? [] : SILENCES) {
      const running = await stage.start(contender).catch(() => undefined)
      if (running?.pid === undefined) break
      say(`idle streams: ${contender.name}, ${group[0]?.bytes} bytes`)
      for (const [silence, round] of await keepSilence(stage, running, group))
        samples.push(sampled(contender.name, silence.name, [round]))
      await running.stop()
    }
  }
  return samples
}

/** With the seconds since the start. */
function say(what: string) {
  process.stderr.write(`${process.uptime().toFixed(0).padStart(4)} s  ${what}\n`)
}
