/** Rate limits and reservations, over whichever store the replicas share. For now there is nothing to limit. */

/** What was taken for one call, to be settled when its usage is known. */
export interface Grant {
  settle(): Promise<void>
}

export interface Limits {
  take(): Promise<Grant>
}

export function noLimits(): Limits {
  return { take: async () => ({ settle: async () => {} }) }
}
