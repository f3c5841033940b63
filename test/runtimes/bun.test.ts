/** The suite on Bun. */
import { hostOn } from './hosts.ts'
import { runtimeSuite } from './suite.ts'

runtimeSuite(await hostOn('bun'))
