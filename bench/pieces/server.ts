/** One step of the ladder, as a process: `server.ts <step> <upstream's port>`. It profiles itself when it is told to. */
import { serveBare } from './bare.ts'
import { serveHouse } from './house.ts'
import { does, STEPS } from './ladder.ts'
import { type Part, profiler } from './profile.ts'

/** What it is told: the processor's time is watched from now on, or what it went into is said. */
export type Told = 'watch' | 'tell'

async function serve([name, port]: string[]) {
  const step = STEPS.find((each) => each.name === name)?.name
  if (!step) throw new Error(`There is no step ${name}`)
  process.send?.(does(step, 'rooms') ? await serveHouse(step) : { port: await serveBare(step, Number(port)) })
}

let told: (() => Promise<Part[]>) | undefined
process.on('message', async (what: Told) => {
  if (what === 'watch') told = await profiler()
  process.send?.(what === 'tell' ? ((await told?.()) ?? []) : {})
})
process.once('disconnect', () => process.exit(0))
await serve(process.argv.slice(2))
