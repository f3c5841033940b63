/** The Worker, with Neon's driver told to find Neon where test/fakes/neon.ts stands for it. */
import { neonConfig } from '@neondatabase/serverless'
import type { Bindings, Context } from '../../src/edge/bindings.ts'
import worker from '../../src/worker.ts'

/** As `neonConfig`, for a fake of that host. */
export function findNeonAt(host: string) {
  neonConfig.fetchEndpoint = `http://${host}/sql`
  neonConfig.wsProxy = (name, port) => `${host}/v2?address=${name}:${port}`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineTLS = false
  neonConfig.pipelineConnect = false
}

export default {
  ...worker,
  fetch(request: Request, bindings: Bindings, context: Context) {
    findNeonAt(String(bindings['FAKE_NEON']))
    return worker.fetch(request, bindings, context)
  },
}
