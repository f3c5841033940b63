/** Where the tests of one runtime play: a gateway on it, a fake Bedrock behind, and a fresh key for each test. */
import { afterAll, afterEach, beforeAll, beforeEach, test } from 'vitest'
import { type FakeBedrock, startFakeBedrock } from '../fakes/bedrock.ts'
import { findPostgres, type Postgres } from '../services/postgres.ts'
import { ask, type Body, type Headers } from '../whole/caller.ts'
import type { Gateway, GatewayOptions, MadeKey, SpendRow } from '../whole/gateway.ts'
import type { Ability, Subject, Told } from './subject.ts'

/** What it has to say beside passing goes into `told`. */
export type Check = (told: Told) => void | Promise<void>

/** Takes down a test, by a sentence that is a row of the table. */
export interface Register {
  (name: string, check: Check, ...needs: Ability[]): void
  /**
   * For what takes long and is idle meanwhile: `begin` runs before all other tests, the check in its turn. What was
   * scripted must have been taken when it returns.
   */
  ahead(name: string, begin: () => Promise<Waiting>): void
}

/** What was begun ahead of its turn. */
export interface Waiting {
  /** Settles when there is nothing more to wait for. */
  over: Promise<unknown>
  check: Check
}

/** One idea of the suite. */
export type Part = (test: Register, stage: Stage) => void

export interface Stage {
  subject: Subject
  fake: FakeBedrock
  gateway: Gateway
  /** Of the test that runs. */
  key: MadeKey
  /** POST /v1/messages with that key. */
  send(body: Body | string, headers?: Headers): Promise<Response>
  /** The one row of that key, settled. */
  row(): Promise<SpendRow>
  /** One more gateway, cleared after the test. */
  another(options: GatewayOptions): Promise<Gateway>
  /** The URL of an empty database on a real Postgres. */
  database(): Promise<string>
}

/** The props are put up before the first test and taken away after the last. */
export function setStage(subject: Subject): { stage: Stage; register: Register } {
  const props: { fake?: FakeBedrock; gateway?: Gateway; key?: MadeKey | undefined } = {}
  const book: Book = { names: [], absent: {}, beginnings: [] }
  const others: Gateway[] = []
  let postgres: Promise<Postgres> | undefined
  let databases = 0
  const database = async () => {
    postgres ??= startPostgres()
    return (await postgres).url(`runtime_${++databases}`)
  }

  beforeAll(async () => {
    props.fake = await startFakeBedrock()
    props.gateway = await subject.start({ bedrock: props.fake }, database)
    for (const begin of book.beginnings) await begin()
  })
  beforeEach(async ({ task }) => {
    task.meta.told = { runtime: subject.name, suite: book.names, absent: book.absent }
    props.fake?.reset()
    props.key = await props.gateway?.makeKey()
  })
  afterEach(async () => {
    await Promise.all(others.splice(0).map((each) => each.clear()))
  })
  afterAll(async () => {
    await props.gateway?.clear()
    await props.fake?.close()
    await (await postgres)?.close()
  })

  const stage: Stage = {
    subject,
    get fake() {
      return thereIs(props.fake)
    },
    set fake(fake) {
      props.fake = fake
    },
    get gateway() {
      return thereIs(props.gateway)
    },
    get key() {
      return thereIs(props.key)
    },
    send: (body, headers = {}) => ask(stage.gateway, body, { 'x-api-key': stage.key.key, ...headers }),
    async row() {
      const [only] = await stage.gateway.settled(1, { key: stage.key.id })
      return thereIs(only)
    },
    async another(options) {
      const gateway = await subject.start(options, database)
      others.push(gateway)
      return gateway
    },
    database,
  }
  return { stage, register: registerOn(subject, book) }
}

function thereIs<T>(prop: T | undefined): T {
  if (prop === undefined) throw new Error('The stage is not set.')
  return prop
}

async function startPostgres(): Promise<Postgres> {
  const found = await findPostgres()
  if ('missing' in found) throw new Error(found.missing)
  return found.start()
}

interface Book {
  names: string[]
  absent: Record<string, string>
  /** Of the tests that run ahead; none of them rejects. */
  beginnings: (() => Promise<unknown>)[]
}

function registerOn({ lacks }: Subject, { names, absent, beginnings }: Book): Register {
  const register: Register = (name, check, ...needs) => {
    names.push(name)
    const [reason] = needs.flatMap((need) => lacks[need] ?? [])
    if (reason === undefined) test(name, ({ task }) => check(thereIs(task.meta.told)))
    else absent[name] = reason
  }
  register.ahead = (name, begin) => {
    let begun: Promise<Waiting> | undefined
    let took: Promise<number> | undefined
    beginnings.push(async () => {
      const since = performance.now()
      const passed = () => performance.now() - since
      begun = begin()
      took = begun.then(({ over }) => over).then(passed, passed)
      await begun.catch(() => {}) // its own test tells
    })
    register(name, async (told) => {
      const { check } = await thereIs(begun)
      told.took = await thereIs(took)
      await check(told)
    })
  }
  return register
}
