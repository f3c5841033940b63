/** Where the sessions of a cluster are kept, as its primary knows for all workers. */
import { memoryBindings } from '../../data/bindings/memory.ts'
import type { Questions } from './wire.ts'

export interface Answers {
  find(names: Questions['find']['asks']): Promise<Questions['find']['answer']>
  keep(said: Questions['keep']['asks']): Promise<Questions['keep']['answer']>
}

export function bindingsFor(now: () => number): Answers {
  const kept = memoryBindings(now)
  return {
    find: async (names) => kept.find(names).map((upstream) => upstream ?? null),
    async keep({ name, move }) {
      kept.keep(name, move)
      return kept.recall(name)?.upstream ?? move.to
    },
  }
}
