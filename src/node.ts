/** Outcrop on Node. */
import { app } from './app.ts'
import { nodeCluster } from './host/cluster/cluster.ts'
import { listenOnNode } from './host/nodehttp.ts'
import { run } from './host/run.ts'

await run({
  app,
  listen: listenOnNode,
  cluster: nodeCluster,
  home: new URL('..', import.meta.url),
})
