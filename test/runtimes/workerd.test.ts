/** The suite on Cloudflare's workerd: a Worker with a Hyperdrive. */
import { workerOnWorkerd } from './edge.ts'
import { runtimeSuite } from './suite.ts'

runtimeSuite(await workerOnWorkerd())
