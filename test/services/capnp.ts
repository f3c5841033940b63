/** Configuration of a bare workerd: the Worker, its bindings as Cloudflare makes them, and what stands for the platform. */
import { join } from 'node:path'

export const COMPATIBILITY_DATE = '2026-08-01'

interface Wish {
  port: number
  /** Where test/services/platform.js is spoken to. */
  platformPort: number
  variables: Readonly<Record<string, string>>
  databaseUrl?: string
  through?: { port: number }
  neon?: unknown
  queue?: boolean
}

/** For a folder that holds worker.mjs and platform.mjs. */
export function capnpConfig(wish: Wish): string {
  const { port, platformPort, variables, databaseUrl, through, neon, queue } = wish
  const database = databaseUrl === undefined || neon ? undefined : new URL(databaseUrl)
  const bindings = [
    ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    '(name = "ASSETS", service = (name = "platform", entrypoint = "assets"))',
    ...(queue ? ['(name = "LEDGER_QUEUE", queue = "platform")'] : []),
    ...(database ? [hyperdrive(database)] : []),
  ]
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "platform", worker = .platform),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "files", disk = ${text(join(import.meta.dirname, '../../dist/portal'))}),
    ${database ? `(name = "postgres", external = (address = "127.0.0.1:${through?.port ?? (database.port || 5432)}", tcp = ())),` : ''}
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "worker"),
    (name = "platform", address = "127.0.0.1:${platformPort}", http = (), service = "platform"),
  ],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.mjs")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["nodejs_compat", "enable_request_signal"],
  bindings = [${bindings.join(', ')}],
);

const platform :Workerd.Worker = (
  modules = [(name = "platform", esModule = embed "platform.mjs")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name = "WORKER", service = "worker"), (name = "FILES", service = "files")],
);
`
}

function hyperdrive({ pathname, username, password }: URL): string {
  const fields = { database: pathname.slice(1), user: username, password, scheme: 'postgres' }
  const said = Object.entries(fields).map(([name, value]) => `${name} = ${text(decodeURIComponent(value))}`)
  return `(name = "HYPERDRIVE", hyperdrive = (designator = "postgres", ${said.join(', ')}))`
}

/** Cap'n Proto's text literals are C's: the escapes of JSON, but for those of characters beyond ASCII. */
function text(value: string): string {
  return JSON.stringify(value)
}
