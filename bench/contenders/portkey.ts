/** Portkey's gateway as npm has it, by its Bedrock provider. https://github.com/Portkey-AI/gateway */
import { join } from 'node:path'
import { cacheFolder, installed } from '../../test/services/packages.ts'
import { freePort } from '../../test/services/ports.ts'
import { homeFor, startChild } from './child.ts'
import { type Contender, MODEL_ID } from './contender.ts'

const VERSION = '1.15.2'

export const portkey: Contender = {
  name: 'portkey',
  title: 'Portkey, its Bedrock provider',
  async start({ upstream }) {
    const modules = await installed(
      cacheFolder('gateways'),
      `portkey-${VERSION}`,
      `@portkey-ai/gateway@${VERSION}`,
    )
    const program = join(modules, '@portkey-ai/gateway/build/start-server.js')
    const port = await freePort()
    const command = [process.execPath, program, '--headless', `--port=${port}`]
    const child = await startChild(await homeFor('portkey'), port, command)
    const headers = {
      'content-type': 'application/json',
      'x-portkey-provider': 'bedrock',
      'x-portkey-custom-host': `http://127.0.0.1:${upstream}`,
      'x-portkey-aws-region': 'us-east-1',
      'x-portkey-aws-access-key-id': 'bench',
      'x-portkey-aws-secret-access-key': 'bench',
    }
    const target = { port, path: '/v1/messages', headers, model: MODEL_ID }
    return { ...child, version: VERSION, target: () => target }
  },
}
