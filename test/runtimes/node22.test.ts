/** The suite on Node 22. */
import { hostOn } from './hosts.ts'
import { runtimeSuite } from './suite.ts'

runtimeSuite(await hostOn('node22'))
