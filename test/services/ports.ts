/**
 * A port of the loopback interface that nobody listened on a moment ago, and that nobody else is given: each process has a
 * stretch of its own, below those that connections going out are given by the system.
 */
import { createServer } from 'node:net'

const FIRST = 10_000
const EACH = 200
const STRETCHES = 100

/** Not always from the first on: whoever was there before may still be remembered by a client. */
let given = Math.floor(Math.random() * EACH)

export async function freePort(): Promise<number> {
  for (let tried = 0; tried < EACH; tried++) {
    const port = FIRST + (process.pid % STRETCHES) * EACH + (given++ % EACH)
    if (await isFree(port)) return port
  }
  throw new Error('every port of this process is taken')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
