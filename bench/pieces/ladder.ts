/** The ladder: servers of which each does one thing more than the one before it, from a pipe to the gateway. */

import type { Scenario } from '../scenarios.ts'

interface Step {
  name: string
  /** What it does more than the one before. */
  title: string
}

/** Over node:http and, from `hono` on, as the gateway's own server; from `rooms` on it is the gateway. */
export const STEPS = [
  { name: 'pipe', title: 'a raw node:http pipe' },
  { name: 'stream', title: 'the answer comes as an event stream' },
  { name: 'gather', title: 'the body is held whole' },
  { name: 'hash', title: 'its SHA-256' },
  { name: 'edit', title: 'its JSON is scanned, and edited for Bedrock' },
  { name: 'sign', title: 'Signature Version 4' },
  { name: 'undici', title: 'undici sends it, and no longer node:http' },
  { name: 'decode', title: 'frames are checked, decoded, and said as a client wants them' },
  { name: 'hono', title: 'Hono and its server take the request' },
  { name: 'rooms', title: 'keys, routes, prices, metering, deadlines: every room' },
  { name: 'limits', title: 'two limits, in Redis' },
  { name: 'spool', title: 'a ledger row, on the disk before the request leaves' },
  { name: 'ledger', title: 'the row in Postgres' },
  { name: 'log', title: 'a log line' },
] as const satisfies readonly Step[]

export type StepName = (typeof STEPS)[number]['name']

/** Whether a server of this step does what the other step brought. */
export function does(step: StepName, other: StepName): boolean {
  return placeOf(step) >= placeOf(other)
}

function placeOf(name: StepName): number {
  return STEPS.findIndex((each) => each.name === name)
}

/** The last one that every gateway of this kind has to have. */
export const FLOOR: StepName = 'decode'

/** What was asked of every step, and what it took. */
export interface Climb {
  scenario: Scenario
  /** Microseconds of processor time a request. */
  cpu: Map<StepName, number>
}
