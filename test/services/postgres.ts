/**
 * A real Postgres for tests: the one TEST_DATABASE_URL names, else a throwaway cluster of the machine's own binaries
 * on a free loopback port. https://www.postgresql.org/docs/current/app-initdb.html
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import connect from 'postgres'
import { freePort } from './ports.ts'
import { folderWith, run, type User } from './run.ts'

export interface Postgres {
  /** The URL of a database of that name, made anew and empty. */
  url(name: string): Promise<string>
  /** Ends it in good order, connections and all, and starts it again where it was; not where the server is not ours. */
  restart?(): Promise<void>
  /** Drops what was made, or stops the cluster. */
  close(): Promise<void>
}

const HOW_TO_INSTALL =
  'Postgres was not found. On Debian: apt-get install postgresql. Or set TEST_DATABASE_URL to a server where ' +
  'databases may be created.'

/** Either a Postgres that can be started, or why there is none, in a sentence for whoever runs the tests. */
export type Found = { start(): Promise<Postgres> } | { missing: string }

/** @throws in CI, where nothing may be skipped. */
export async function findPostgres(): Promise<Found> {
  const url = process.env['TEST_DATABASE_URL']
  if (url) return { start: async () => onServer(url, async () => {}) }
  const folder = await folderWith(['postgres', 'initdb'], await likelyFolders())
  if (folder) return { start: () => startCluster(folder) }
  if (process.env['CI']) throw new Error(HOW_TO_INSTALL)
  console.warn(`Skipped: ${HOW_TO_INSTALL}`)
  return { missing: HOW_TO_INSTALL }
}

/** Debian keeps the server's programs out of PATH, a folder a version; the newest is wanted. */
async function likelyFolders(): Promise<string[]> {
  const debian = '/usr/lib/postgresql'
  const versions = await readdir(debian).catch(() => [])
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...path, ...newestFirst.map((version) => join(debian, version, 'bin'))]
}

const STARTS = 3
const SUPERUSER = 'outcrop'

async function startCluster(programs: string): Promise<Postgres> {
  const user = await otherUser()
  const folder = await mkdtemp(join(tmpdir(), 'outcrop-postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  const initdb = ['--pgdata', data, '--username', SUPERUSER, '--auth', 'trust', '--encoding', 'UTF8']
  await run(join(programs, 'initdb'), [...initdb, '--locale', 'C', '--no-sync'], user)
  for (let start = 1; ; start++) {
    const port = await freePort()
    const spawnOne = () => spawnServer(join(programs, 'postgres'), data, port, user)
    let server = spawnOne()
    const failure = await readiness(server)
    const stop = async () => {
      server.kill('SIGINT') // fast shutdown: connections are closed, not waited for
      if (server.exitCode === null) await once(server, 'exit')
    }
    if (failure === undefined) {
      const postgres = onServer(`postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`, async () => {
        await stop()
        await rm(folder, { recursive: true, force: true })
      })
      return {
        ...postgres,
        async restart() {
          await stop()
          server = spawnOne()
          const trouble = await readiness(server)
          if (trouble !== undefined) throw new Error(`Postgres did not start again: ${trouble}`)
        },
      }
    }
    if (start === STARTS) throw new Error(`Postgres did not start: ${failure}`)
  }
}

/** Postgres refuses to run as root. */
async function otherUser(): Promise<User> {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => undefined)
    if (ids) return { uid: Number(ids[0]), gid: Number(ids[1]) }
  }
  throw new Error('Postgres refuses to run as root, and there is no user postgres or nobody to run it as.')
}

function spawnServer(program: string, data: string, port: number, user: User): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '500', // a Worker has one a request: nothing here pools them as Hyperdrive does
    shared_buffers: '16MB',
    fsync: 'off', // nothing here outlives the machine
    full_page_writes: 'off',
    synchronous_commit: 'off',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(program, ['-D', data, '-p', String(port), ...flags], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // Should the tests die without a word, so must the server.
  process.once('exit', () => server.kill('SIGKILL'))
  return server
}

/** Undefined once it takes connections, else what it said instead. */
function readiness(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      if (said.length > 10_000) return
      said += chunk.toString()
      if (said.includes('ready to accept connections')) resolve(undefined)
    })
    server.once('exit', () => resolve(said))
    server.once('error', (error) => resolve(error.message))
  })
}

function onServer(adminUrl: string, stop: () => Promise<void>): Postgres {
  const made: string[] = []
  async function administer(statements: readonly string[]) {
    const client = connect(adminUrl, { max: 1, onnotice: () => {} })
    try {
      for (const statement of statements) await client.unsafe(statement)
    } finally {
      await client.end()
    }
  }
  return {
    async url(name) {
      const database = `outcrop_test_${name.replaceAll(/\W/g, '_')}_${process.pid}`
      await administer([...drop(database), `create database ${database}`])
      made.push(database)
      const url = new URL(adminUrl)
      url.pathname = `/${database}`
      return url.href
    },
    async close() {
      await administer(made.flatMap(drop))
      await stop()
    },
  }
}

function drop(database: string): string[] {
  return [`drop database if exists ${database} with (force)`]
}
