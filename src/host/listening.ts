/** What serves HTTP in a process, as far as its life is concerned: types only. Each runtime has its own. */
import type { Runtime } from '../runtime.ts'

/**
 * Answers a request that came from this address, where that is known; does not throw.
 * @param by how its body comes and what is said goes, where that is not as the standard has it
 */
export type Answer = (
  request: Request,
  peer: string | undefined,
  by?: Pick<Runtime, 'whole' | 'stream' | 'gone'>,
) => Response | Promise<Response>

/** Starts to listen. Rejects where it cannot. */
export type Listen = (answer: Answer, at: { host: string; port: number }) => Promise<Listening>

export interface Listening {
  port: number
  /**
   * Takes no new connection from now on, and lets go of every one that has nothing under way, or has no more.
   * Resolves when none is left.
   */
  drained(): Promise<unknown>
}
