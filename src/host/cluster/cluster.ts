/** Several processes of one gateway behind one port, for machines with several cores: Node's own cluster. */
import cluster from 'node:cluster'
import type { Log } from '../../runtime.ts'
import { type Following, follow, type Own } from './follow.ts'
import { lead } from './lead.ts'

export interface Cluster {
  isWorker: boolean
  lead(lent: { workers: number; log: Log; told: Promise<void> }): Promise<number>
  follow(own: Own): Following
  /** Calls `gone` when the primary is no longer there: nobody would start or stop this worker any more. */
  whenAlone(gone: () => void): void
}

export const nodeCluster: Cluster = {
  isWorker: cluster.isWorker,
  lead,
  follow: (own) => follow({ send: process.send?.bind(process), on: process.on.bind(process) }, own),
  whenAlone: (gone) => void process.once('disconnect', gone),
}
