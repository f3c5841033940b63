/** A runtime under test: how a gateway is started on it, and what it has not. */
import type { Gateway, GatewayOptions } from '../whole/gateway.ts'

/** What not every runtime, and not every machine, has. */
export type Ability = 'signals' | 'postgres' | 'half-closed is gone'

export interface Subject {
  /** As the column says it, with the exact version: `Bun 1.4.4`. */
  name: string
  /** `database` gives the URL of an empty one on a real Postgres, for a runtime that has none of its own. */
  start(options: GatewayOptions, database: () => Promise<string>): Promise<Gateway>
  /** How long a key may still work after it was disabled, in milliseconds. */
  revocation: number
  /** What it has not, each with the reason. */
  lacks: Partial<Record<Ability, string>>
}

/** What each test tells the table of its runtime. */
export interface Told {
  runtime: string
  /** Milliseconds, where its own time does not tell: it began ahead of its turn. */
  took?: number
  /** A figure worth a place beside the time it took. */
  note?: string
  /** The name of every test of the suite, in order. */
  suite: readonly string[]
  /** The tests that say nothing on this runtime, and why. */
  absent: Record<string, string>
}

declare module 'vitest' {
  interface TaskMeta {
    told?: Told
  }
}
