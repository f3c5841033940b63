/** The suite on the Node that runs the tests. */
import { hostOn } from './hosts.ts'
import { runtimeSuite } from './suite.ts'

runtimeSuite(await hostOn('node'))
