/** How the app learns that its process is to end. */
import type { Stopping } from '../runtime.ts'

export interface Stop extends Stopping {
  /** Nothing new is taken on from now on. */
  begin(): void
  /** Answers under way have had their time. */
  end(): void
}

export function stopping(): Stop {
  const cuts = new Set<() => void>()
  let isBegun = false
  return {
    hasBegun: () => isBegun,
    whenOver(cut) {
      cuts.add(cut)
      return () => void cuts.delete(cut)
    },
    begin() {
      isBegun = true
    },
    end() {
      for (const cut of cuts) cut()
    },
  }
}
