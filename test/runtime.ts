/** A runtime for tests: everything in memory, a clock that stands still, nothing asked of anybody. */
import { type CredentialSource, keptCredentials } from '../src/aws.ts'
import { type Config, readConfig } from '../src/config.ts'
import { newBacklog } from '../src/data/backlog.ts'
import { memoryBindings } from '../src/data/bindings/memory.ts'
import type { BudgetRow } from '../src/data/budgets.ts'
import { memoryCache } from '../src/data/cache.ts'
import type { Capability } from '../src/data/capabilities.ts'
import type { Data } from '../src/data/data.ts'
import type { Key } from '../src/data/keys.ts'
import { memoryLimits } from '../src/data/limits/memory.ts'
import type { NewNotice } from '../src/data/notices.ts'
import type { StoredPrice } from '../src/data/prices.ts'
import type { LedgerRow, SettledRow } from '../src/data/rows.ts'
import type { SurveyRow } from '../src/data/surveys.ts'
import type { UpstreamRow } from '../src/data/upstreams.ts'
import { unpinnedEgress } from '../src/edge/unpinned.ts'
import type { Principal } from '../src/gateway/authenticate.ts'
import { createKey } from '../src/gateway/keys.ts'
import { newKeyring } from '../src/gateway/routing/keyring.ts'
import { newSteering } from '../src/gateway/routing/steering.ts'
import { newSightings } from '../src/gateway/sightings.ts'
import { rest } from '../src/protocol/deadline.ts'
import { webHashes } from '../src/protocol/hashes.ts'
import { counters } from '../src/protocol/metrics.ts'
import type { LogFields, LogLevel, Runtime } from '../src/runtime.ts'
import { fakeBudgets, fakeLimitRows, fakeSpending } from './fakemoney.ts'
import { fakeUpstreams } from './fakeupstreams.ts'

export const ADMIN_TOKEN = 'correct-horse-battery-staple-twice-over'

interface Line {
  level: LogLevel
  message: string
  fields: LogFields | undefined
}

/** A principal that nothing is forbidden to. */
export const ANYONE: Principal = {
  keyId: 'key_1',
  keyName: 'test',
  hint: 'oc_123456',
  userId: null,
  teamId: null,
  models: [],
  routing: null,
  limits: [],
  budgets: [],
}

export interface TestRuntime extends Runtime {
  clock: { now: number }
  keys: Key[]
  rows: LedgerRow[]
  budgets: BudgetRow[]
  /** As admins have set them up, and what was found out about them. */
  upstreams: UpstreamRow[]
  surveys: SurveyRow[]
  lines: Line[]
  /** Notices that were raised. */
  told: NewNotice[]
  /** How often keys were asked of the database. */
  lookUps(): number
  /** Everything handed to waitUntil so far is done. */
  settled(): Promise<void>
}

export interface Changes extends Omit<Partial<Runtime>, 'credentials'> {
  env?: Record<string, string>
  /** Of every provider. */
  credentials?: CredentialSource
}

export function testRuntime(changes: Changes = {}): TestRuntime {
  const { env, credentials: given, ...overrides } = changes
  const clock = { now: Date.UTC(2026, 10, 20, 12) }
  const now = () => clock.now
  const config: Config = {
    ...readConfig({ ADMIN_TOKEN, AWS_REGION: 'us-east-1', ...env }),
    secretKeys: ['a secret key for tests that is long enough'],
  }
  const keys: Key[] = []
  const rows: LedgerRow[] = []
  const budgets: BudgetRow[] = []
  const upstreams: UpstreamRow[] = []
  const surveys: SurveyRow[] = []
  const lines: Line[] = []
  const told: NewNotice[] = []
  const work: Promise<unknown>[] = []
  let lookUps = 0
  const credentials =
    given ??
    keptCredentials(async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not a secret' }), now)
  const data = fakeData({ keys, rows, budgets, upstreams, surveys, told }, () => lookUps++)
  return {
    config,
    data,
    limits: memoryLimits(now),
    bindings: memoryBindings(now),
    cache: memoryCache({ entries: 100, now }),
    credentials: { bedrock: credentials, anthropic: credentials, vertex: credentials, aws: credentials },
    keyring: newKeyring(
      { own: { aws: credentials, google: credentials }, shareLoads: true },
      changes.now ?? now,
    ),
    fetch: () => Promise.reject(new Error('no network in this test')),
    hashes: webHashes,
    egress: unpinnedEgress(() => Promise.reject(new Error('no network in this test')), false),
    sightings: newSightings(),
    steering: newSteering(),
    rest,
    isReady: async () => true,
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    metrics: counters(),
    now,
    waitUntil: (promise) => void work.push(promise),
    ...overrides,
    clock,
    keys,
    rows,
    budgets,
    upstreams,
    surveys,
    lines,
    told,
    lookUps: () => lookUps,
    async settled() {
      while (work.length > 0) await work.shift()
    },
  }
}

/** A key of this runtime, and the headers that carry it. */
export async function keyIn(
  runtime: TestRuntime,
  wish: { models?: string[]; requestsPerMinute?: number; tokensPerMinute?: number } = {},
) {
  const { key, secret } = await createKey(runtime, { name: 'test', ...wish })
  return { key, secret, headers: { 'x-api-key': secret } }
}

type Kept = Pick<TestRuntime, 'keys' | 'rows' | 'budgets' | 'upstreams' | 'surveys' | 'told'>

function fakeData({ keys, rows, budgets, upstreams, surveys, told }: Kept, onLookUp: () => void): Data {
  const settings = new Map<string, unknown>()
  const live = (id: string) => keys.find((key) => key.id === id && !key.deletedAt)
  const data: Data = {
    audit: fakeAudit(),
    budgets: fakeBudgets(budgets),
    limits: fakeLimitRows(),
    ...fakeNotices(told),
    ...fakeBooks(rows),
    ...fakeUpstreams(upstreams, surveys),
    atomically: (work) => work(data),
    keys: {
      async byHash(hash) {
        onLookUp()
        const key = keys.find((each) => (each.hash === hash || each.previousHash === hash) && !each.deletedAt)
        return key && { key, user: null, team: null, isMember: true }
      },
      byId: async (id) => live(id),
      lock: async (id) => live(id),
      list: async ({ after = '', limit }) =>
        keys.filter((key) => key.id > after && !key.deletedAt).slice(0, limit),
      create: async (key) => void keys.push(key),
      async change(id, change) {
        const key = live(id)
        const said = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
        return key && Object.assign(key, said)
      },
      async remove(id, at) {
        const key = live(id)
        return key && Object.assign(key, { deletedAt: at })
      },
      hashesOf: async () => [],
      touch: async (id, at) => void Object.assign(live(id) ?? {}, { lastUsedAt: at }),
    },
    memberships: elsewhere(),
    teams: elsewhere(),
    tokens: elsewhere(),
    users: elsewhere(),
    ledger: {
      async write(row) {
        const index = rows.findIndex(({ id }) => id === row.id)
        if (index < 0) rows.push(row)
        else rows[index] = row
      },
      find: () => Promise.reject(new Error('ask `rows`')),
      byId: async (id) => rows.find((row) => row.id === id) as SettledRow | undefined,
      closeLost: async () => 0,
      backlog: newBacklog(),
    },
    settings: {
      get: async (name) => settings.get(name),
      put: async (name, value) => void settings.set(name, value),
      drop: async (name) => settings.delete(name),
      async claim(name, value) {
        if (settings.has(name)) return false
        settings.set(name, value)
        return true
      },
    },
    capabilities: fakeCapabilities(),
    prices: fakePrices(),
    repricing: {
      batch: () => Promise.reject(new Error('ask a database')),
      correct: () => Promise.reject(new Error('ask a database')),
      unpriced: () => Promise.reject(new Error('ask a database')),
    },
    ping: async () => {},
  }
  return data
}

/** For what is tested on a database alone. */
function elsewhere<Table extends object>(): Table {
  const refuse = () => Promise.reject(new Error('ask a database'))
  return new Proxy({}, { get: () => refuse }) as Table
}

/** Takes entries; a real database is asked for what became of them. */
function fakeAudit(): Data['audit'] {
  let number = 0
  return {
    append: async (entry) => ({ ...entry, number: ++number, hash: '' }),
    find: () => Promise.reject(new Error('ask a database')),
    chain: () => Promise.reject(new Error('ask a database')),
  }
}

function fakePrices(): Data['prices'] {
  const kept: StoredPrice[] = []
  const live = () => kept.filter(({ archivedAt }) => !archivedAt)
  return {
    live: async (most) => live().slice(0, most),
    countLive: async () => live().length,
    list: async ({ after = '', limit }) => kept.filter(({ id }) => id > after).slice(0, limit),
    create: async (rows) => void kept.push(...rows),
    async archive(id, at) {
      const row = live().find((each) => each.id === id)
      const before = row && { ...row }
      if (row) row.archivedAt = at
      return before
    },
  }
}

/** What is derived from the ledger: a real database is asked for it. */
function fakeBooks(rows: LedgerRow[]): Pick<Data, 'hours' | 'spending' | 'usage' | 'retention'> {
  const ask = () => Promise.reject(new Error('ask a database'))
  return {
    hours: { derive: async () => undefined, asOf: async () => undefined },
    spending: fakeSpending(rows),
    usage: { report: ask },
    retention: { prune: async () => ({ rows: 0, hours: 0, more: false }) },
  }
}

function fakeCapabilities(): Data['capabilities'] {
  let kept: Capability[] = []
  const others = (one: Pick<Capability, 'place' | 'kind' | 'name'>) =>
    kept.filter(({ place, kind, name }) => place !== one.place || kind !== one.kind || name !== one.name)
  return {
    all: async (now) => kept.filter(({ expiresAt }) => !expiresAt || expiresAt > now),
    async learn(lessons) {
      for (const lesson of lessons) kept = [...others(lesson), lesson]
    },
    async pin(capability) {
      kept = [...others(capability), capability]
    },
    async forget(place, kind, name) {
      const before = kept.length
      kept = others({ place, kind, name })
      return kept.length < before
    },
  }
}

/** Raises notices, once each; all else about them is for a database. */
function fakeNotices(told: NewNotice[]): Pick<Data, 'notices' | 'channels' | 'deliveries' | 'signs'> {
  async function raise(notice: NewNotice): Promise<boolean> {
    if (told.some(({ subject }) => subject === notice.subject)) return false
    told.push(notice)
    return true
  }
  const ask = () => Promise.reject(new Error('ask a database: dataIn(inMemory())'))
  const { channels, deliveries, signs, notices } = new Proxy({} as Data, {
    get: (_, table) =>
      new Proxy({}, { get: (__, name) => (table === 'notices' && name === 'raise' ? raise : ask) }),
  })
  return { channels, deliveries, signs, notices }
}
