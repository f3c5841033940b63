/**
 * Which upstream a session is kept to, over whichever store the replicas share: there its prompt cache is. To lose a
 * binding costs money, never an answer; so nothing here fails, and nobody waits for long.
 */

export interface Bindings {
  /**
   * The upstream that each of these is kept to; undefined where none is. What was heard lately is not asked again.
   * Never rejects, and takes 100 ms at the most.
   */
  find(names: readonly string[]): Found | Promise<Found>
  /** A call was served: from now on its session is kept there. Where others have moved it meanwhile, that stands. */
  keep(name: string, move: Move): Promise<void> | void
}

export type Found = readonly (string | undefined)[]

export interface Move {
  /** Where it was kept to as far as the call knew. */
  from: string | undefined
  to: string
  /** For how long, in milliseconds. */
  lasts: number
}

/** A store that others share. Whatever it is asked may fail. */
export interface SharedBindings {
  find(names: readonly string[]): Promise<Found>
  /** @returns where it is kept to now. */
  keep(name: string, move: Move): Promise<string>
}
