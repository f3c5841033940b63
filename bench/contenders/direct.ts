/** Nobody in between: what the upstream and the load generator take by themselves. */
import { bedrockTarget, type Contender } from './contender.ts'

export const direct: Contender = {
  name: 'direct',
  title: 'the upstream called directly',
  start: async ({ upstream }) => ({
    version: '',
    target: (stream) => bedrockTarget(upstream, stream),
    stop: async () => {},
  }),
}
