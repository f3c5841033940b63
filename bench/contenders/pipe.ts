/** The raw node:http pipe: what every ratio is taken against. */
import { startPeer } from '../peer.ts'
import { bedrockTarget, type Contender } from './contender.ts'

export const pipe: Contender = {
  name: 'pipe',
  title: 'raw node:http pipe, translates nothing',
  async start({ upstream }) {
    const peer = await startPeer('pipe.js', [String(upstream)])
    const { port } = peer.first as { port: number }
    return {
      version: process.versions.node,
      pid: peer.pid,
      target: (stream) => bedrockTarget(port, stream),
      stop: peer.stop,
    }
  },
}
