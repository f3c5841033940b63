/** One search, two names: what the model calls `toolu_…` is `srvtoolu_…` to the client, and comes back as that. */

const SERVER = 'srvtoolu_'
const MODEL = 'toolu_'

/** The client's name for a tool call of the model's. */
export function clientId(id: string): string {
  return SERVER + plain(id.startsWith(MODEL) ? id.slice(MODEL.length) : id, /[^A-Za-z0-9_]/g)
}

/** The model's name for what the client calls so; for any name there is one that upstreams take. */
export function modelId(id: string): string {
  return id.startsWith(SERVER) ? MODEL + plain(id.slice(SERVER.length), OTHERS) : plain(id, OTHERS) || MODEL
}

const OTHERS = /[^A-Za-z0-9_-]/g

function plain(id: string, others: RegExp): string {
  return id.replaceAll(others, '_').slice(0, 100)
}
