/** Everybody who is measured, in the order of the tables. */
import type { Contender } from './contender.ts'
import { direct } from './direct.ts'
import { identity } from './identity.ts'
import { nginx } from './nginx.ts'
import { onHosts, onWorkerd } from './outcrop.ts'
import { pipe } from './pipe.ts'
import { portkey } from './portkey.ts'

export const CONTENDERS: readonly Contender[] = [
  direct,
  nginx,
  pipe,
  ...onHosts,
  identity,
  onWorkerd,
  portkey,
]
