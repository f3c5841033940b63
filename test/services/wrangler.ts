/**
 * `wrangler dev` as a developer runs it, offline: wrangler.toml with what is commented out there made so, a queue and a
 * Hyperdrive on this machine. https://developers.cloudflare.com/workers/wrangler/commands/#dev
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { eventually } from '../whole/eventually.ts'
import { freePort } from './ports.ts'

const REPOSITORY = join(import.meta.dirname, '../..')

export interface Wrangler {
  url: string
  written(): string
  close(): Promise<void>
}

/** What `npm run` says for a script, of Wrangler's. */
export function wordsOf(script: 'dev:worker' | 'deploy:worker'): string[] {
  const [, ...words] = manifest.scripts.wrangler.split(' ')
  return [...words, ...manifest.scripts[script].split(' -- ').slice(1).join(' ').split(' ')]
}

/** It asks nobody: neither whether there is a newer one, nor what to say of where requests come from. */
export const OFFLINE = { CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }

export async function startWrangler(wish: {
  databaseUrl: string
  variables: Record<string, string>
}): Promise<Wrangler> {
  const home = await mkdtemp(join(tmpdir(), 'outcrop-wrangler-'))
  const port = await freePort()
  const inspector = await freePort()
  await writeFile(join(home, 'wrangler.toml'), await configuration(wish.databaseUrl))
  const secrets = Object.entries(wish.variables).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
  await writeFile(join(home, '.dev.vars'), secrets.join(''))
  const where = ['--config', join(home, 'wrangler.toml'), '--ip', '127.0.0.1', '--port', String(port)]
  const child = spawn(
    process.execPath,
    [...wordsOf('dev:worker'), ...where, '--inspector-port', String(inspector)],
    {
      cwd: REPOSITORY,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...OFFLINE },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // it has children of its own, to be ended with it
    },
  )
  let written = ''
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding('utf8').on('data', (text: string) => {
      written += text
    })
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  process.once('exit', end)
  const exited = new Promise((resolve) => child.once('close', resolve))
  const url = `http://127.0.0.1:${port}`
  const close = async () => {
    end()
    await exited
    process.off('exit', end)
    await rm(home, { recursive: true, force: true })
  }
  const isUp = async () => {
    if (child.exitCode !== null) throw new Error('It ended.')
    return (await fetch(`${url}/health`).catch(() => undefined))?.ok || undefined
  }
  await eventually(isUp, { within: 60_000, every: 100 }).catch(async (cause) => {
    await close()
    throw new Error(`wrangler dev did not start.\n${written}`, { cause })
  })
  return { url, written: () => written, close }
}

async function configuration(databaseUrl: string): Promise<string> {
  const text = await readFile(join(REPOSITORY, 'wrangler.toml'), 'utf8')
  return text
    .replaceAll(/^# (?=\[\[|binding =|id =|localConnection|queue =|max_|dead_)/gm, '')
    .replace(/(?<=localConnectionString = ).*/, JSON.stringify(databaseUrl))
    .replace(/(?<=main = )"/, `"${REPOSITORY}/`)
    .replace(/(?<=directory = )"/, `"${REPOSITORY}/`)
    .replace(/\[build\]\ncommand = .*\n/, '')
}
