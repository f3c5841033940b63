/** The suite on Deno. */
import { hostOn } from './hosts.ts'
import { runtimeSuite } from './suite.ts'

runtimeSuite(await hostOn('deno'))
