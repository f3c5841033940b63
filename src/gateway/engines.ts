/** Which search engine answers for whom, and where its settings are kept: secrets sealed, the rest as it is. */
import type { Tables } from '../data/data.ts'
import { egressFetch } from '../egress.ts'
import { GatewayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Engine, Settings } from '../search/engine.ts'
import { engines } from '../search/index.ts'
import type { Principal } from './authenticate.ts'
import type { Chosen } from './servertools.ts'
import { openSettings, partedSettings, sealSettings } from './settings.ts'

/** One engine for all, each key's own, or none. */
export type SearchMode = 'off' | 'all' | 'own'

/** An engine as it is stored. */
export interface StoredEngine {
  kind: string
  settings: Settings
  /** The secret settings, as sealed JSON. */
  sealed: string
}

export const SEARCH_MODE = 'web_search_mode'
/** The setting that holds the engine for all; a key's own has the key's id behind it. */
export const SEARCH_ENGINE = 'web_search_engine'
export const ownEngine = (keyId: string) => `${SEARCH_ENGINE}:${keyId}`

/** What it takes to look at an engine, or to set one up together with something else. */
export interface EngineDesk extends Pick<Runtime, 'config' | 'log'> {
  data: Pick<Tables, 'settings'>
}

const TRUST = 60_000
const PURPOSE = 'search engine settings'

/** The engine that a principal's searches go to; undefined where web search is off for it. */
export function engineFor(runtime: Runtime, { keyId }: Principal): Promise<Chosen | undefined> {
  return runtime.cache.remember(`search:${keyId}`, async () => ({
    value: await choose(runtime, keyId),
    ttl: TRUST,
    grace: runtime.config.outageGrace,
  }))
}

export async function searchMode({ data, config }: EngineDesk): Promise<SearchMode> {
  const stored = await data.settings.get(SEARCH_MODE)
  if (stored === 'off' || stored === 'all' || stored === 'own') return stored
  return config.webSearch === undefined ? 'off' : 'all'
}

async function choose(runtime: Runtime, keyId: string): Promise<Chosen | undefined> {
  const mode = await searchMode(runtime)
  if (mode === 'off') return undefined
  const stored = await storedEngine(runtime, mode === 'own' ? ownEngine(keyId) : SEARCH_ENGINE)
  const engine = stored && engines[stored.kind]
  if (stored && engine)
    return reached(runtime, engine, { ...stored.settings, ...(await opened(runtime, stored)) })
  const { webSearch } = runtime.config
  const first = mode === 'all' && webSearch !== undefined ? engines[webSearch.kind] : undefined
  return first && webSearch && reached(runtime, first, webSearch.settings)
}

const BOUNDS = { timeout: 10_000, maxBytes: 4_000_000 }

/** An engine whose address is a setting is reached through the guard: a private one the operator names. */
function reached({ egress, config }: Runtime, engine: Engine, settings: Settings): Chosen {
  const address = engine.fields.find(({ url }) => url)?.name
  const url = address === undefined ? undefined : settings[address]
  if (url === undefined || !URL.canParse(url)) return { engine, settings }
  return { engine, settings, fetch: egressFetch(egress, { ...BOUNDS, trusted: config.egress.trusted }) }
}

export async function storedEngine(
  { data }: Pick<EngineDesk, 'data'>,
  name: string,
): Promise<StoredEngine | undefined> {
  return (await data.settings.get(name)) as StoredEngine | undefined
}

/**
 * Checks an engine's settings against its own description and stores them. A secret that is not said stays what it was.
 * @throws GatewayError invalid_request_error naming the setting.
 */
export async function storeEngine(
  runtime: EngineDesk,
  name: string,
  kind: string,
  said: Settings,
): Promise<StoredEngine> {
  const engine = Object.hasOwn(engines, kind) ? engines[kind] : undefined
  if (!engine) {
    const kinds = Object.keys(engines).join(', ')
    throw new GatewayError('invalid_request_error', `engine: Input should be one of ${kinds}`)
  }
  const before = await storedEngine(runtime, name)
  const kept = before?.kind === kind ? await opened(runtime, before) : {}
  const { open, secret } = partedSettings(engine, said, kept)
  const sealed = await sealSettings(runtime, PURPOSE, kind, secret)
  const stored = { kind, settings: open, sealed }
  await runtime.data.settings.put(name, stored)
  return stored
}

async function opened(runtime: EngineDesk, { kind, sealed }: StoredEngine): Promise<Settings> {
  const secrets = await openSettings(runtime, PURPOSE, kind, sealed)
  if (secrets) return secrets
  const sentence = 'the settings of a search engine were sealed with another SECRET_KEY: set them again'
  runtime.log('error', sentence, { engine: kind })
  return {}
}
