/** Ways to choose that are held against each other, and what they choose among. */
import type { Contender } from './day.ts'

export const CONTENDERS: readonly Contender[] = [
  {
    id: 'endless',
    name: 'one upstream without end',
    strategy: 'priority',
    headroom: false,
    told: false,
    infinite: true,
  },
  { id: 'known', name: 'sticky, with headroom', strategy: 'sticky', headroom: true, told: true },
  { id: 'learned', name: 'the same, quotas not known', strategy: 'sticky', headroom: true, told: false },
  { id: 'blind', name: 'sticky, without headroom', strategy: 'sticky', headroom: false, told: false },
  {
    id: 'robin',
    name: 'evenly, call by call',
    strategy: 'weighted',
    headroom: false,
    told: false,
    nameless: true,
  },
  { id: 'priority', name: 'priority', strategy: 'priority', headroom: false, told: false },
]

/** Three accounts in two regions each. */
export const PLACES = ['111111111111', '222222222222', '333333333333'].flatMap((account) =>
  ['us-east-1', 'us-west-2'].map((region) => ({ account, region })),
)

/** Tokens a minute of each account, region and model: so few that the busy hours come near to all of it. */
export const QUOTAS = { main: 600_000, small: 400_000 }
