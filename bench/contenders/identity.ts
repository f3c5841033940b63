/** An identity proxy on workerd: the floor there. https://github.com/cloudflare/workerd */
import { copyFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { COMPATIBILITY_DATE } from '../../test/services/capnp.ts'
import { freePort } from '../../test/services/ports.ts'
import { WORKERD } from '../../test/services/workerd.ts'
import { homeFor, startChild } from './child.ts'
import { bedrockTarget, type Contender } from './contender.ts'

export const identity: Contender = {
  name: 'identity',
  title: 'an identity proxy on workerd',
  async start({ upstream }) {
    const home = await homeFor('identity')
    const port = await freePort()
    await copyFile(join(import.meta.dirname, 'identity.js'), join(home, 'identity.mjs'))
    await writeFile(join(home, 'config.capnp'), configuration(port, upstream))
    const child = await startChild(home, port, [WORKERD, 'serve', 'config.capnp'])
    return { ...child, version: workerdVersion(), target: (stream) => bedrockTarget(port, stream) }
  },
}

export function workerdVersion(): string {
  const { version } = createRequire(import.meta.url)('workerd/package.json') as { version: string }
  return version
}

const configuration = (port: number, upstream: number) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "identity", worker = .identity),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "identity")],
);

const identity :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "identity.mjs")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [(name = "UPSTREAM", text = "http://127.0.0.1:${upstream}")],
);
`
