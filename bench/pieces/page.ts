/** docs/performance-pieces.md: the ladder as tables, and where the gateway's own time goes. */
import { table } from '../figures.ts'
import { digits } from '../report/cells.ts'
import { type Climb, FLOOR, STEPS } from './ladder.ts'
import type { Part } from './profile.ts'

interface Found {
  climbs: readonly Climb[]
  parts: readonly Part[]
  machine: string
  cores: string
  busy: string
  rounds: number
}

const MOST_PARTS = 24

export function pageOf({ climbs, parts, machine, cores, busy, rounds }: Found): string {
  return `# What a request is made of

Where the processor's time goes that [performance.md](performance.md) counts. \`npm run bench:pieces -- --docs\` measures
it and writes this page, in five minutes or so.

Each line is a server of its own that does one thing more than the one above it; all of them ask the same upstream, and
take turns in each round. The first eight are that and nothing else, made of the gateway's own functions; from "every
room" on it is the gateway, with what the lines below bring left out. A line that takes less than the one above it did the
same thing cheaper, or is within the noise.

${climbs.map(partOf).join('\n')}
## Where the gateway's time goes

Of its processor time under 100 KB requests, by source file: functions with what the machine does for them, as V8's
profiler sees it. \`(program)\` is the machine itself: system calls, and the hashing and copying below a line of
JavaScript.

${table(
  ['', '%'],
  parts.slice(0, MOST_PARTS).map(({ name, share }) => [name, digits(share * 100)]),
)}

${dated(machine)}. ${cores}. Medians of ${rounds} rounds; ${busy}.
`
}

function partOf({ scenario, cpu }: Climb): string {
  const pipe = cpu.get('pipe') ?? Number.NaN
  const whole = cpu.get('log') ?? Number.NaN
  const floor = cpu.get(FLOOR) ?? Number.NaN
  const { events } = scenario.manner
  const streamed = scenario.body.stream
  let before = 0
  const rows = STEPS.filter(({ name }) => !streamed || name !== 'stream').map(({ name, title }) => {
    const spent = cpu.get(name) ?? Number.NaN
    const cells = [
      title,
      digits(spent),
      added(spent - before),
      `${digits(((spent - before) / whole) * 100)} %`,
      `${digits(spent / pipe)}×`,
      ...(streamed ? [digits(spent / events)] : []),
    ]
    before = spent
    return name === FLOOR ? cells.map((each) => `**${each}**`) : cells
  })
  const head = ['', 'CPU µs', 'adds', 'of the whole', 'of the pipe', ...(streamed ? ['µs an event'] : [])]
  return `## ${scenario.title}

${table(head, rows)}

Whoever holds a body, hashes and signs it and decodes an event stream, and does nothing else, spends ${digits(floor)} µs
here by the gateway's own functions, ${digits(floor / pipe)} times the pipe: work that no gateway for Bedrock can leave out, however
it is written. The whole gateway spends ${digits(whole / floor)} times that.
`
}

function added(value: number): string {
  return value < 0 ? `−${digits(-value)}` : `+${digits(value)}`
}

function dated(machine: string): string {
  return `${new Date().toISOString().slice(0, 10)}; ${machine}`
}
