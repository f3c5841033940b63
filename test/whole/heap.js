/** Loaded into the gateway's process by `--import`: on SIGUSR2 it collects its garbage and says how much is left. */
import { setTimeout as sleep } from 'node:timers/promises'

process.on('SIGUSR2', async () => {
  // What is freed by finalizers is free only after a turn of the loop.
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.stderr.write(`heap ${JSON.stringify({ heapUsed, external, rss })}\n`)
})
