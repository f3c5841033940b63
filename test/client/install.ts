/**
 * The published Claude Code, several versions side by side, each installed once into a cache outside the repository.
 */
import { spawn } from 'node:child_process'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type Version = '2.1.328' | '2.1.257' | '2.1.126'

const ALL: readonly Version[] = ['2.1.328', '2.1.257', '2.1.126']

/** The versions to test: all, or those named in OUTCROP_CLIENT_VERSIONS. */
export const VERSIONS = ALL.filter((version) => wanted().includes(version))

function wanted(): readonly string[] {
  return process.env['OUTCROP_CLIENT_VERSIONS']?.split(',').map((each) => each.trim()) ?? ALL
}

const PLATFORM = `${process.platform}-${process.arch}`

function cacheFolder(): string {
  const usual = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'outcrop', 'claude-code')
  return process.env['OUTCROP_CLIENT_CACHE'] ?? usual
}

/** The path of the binary, installing it first where that was not done, or not finished. */
export async function claudeBinary(version: Version): Promise<string> {
  const cache = cacheFolder()
  const folder = join(cache, version)
  const marker = join(folder, 'complete')
  if (!(await exists(marker))) {
    await mkdir(cache, { recursive: true })
    await alone(join(cache, `${version}.lock`), async () => {
      if (await exists(marker)) return
      await rm(folder, { recursive: true, force: true })
      await install(version, folder)
      await writeFile(marker, '')
    })
  }
  return join(folder, 'node_modules', '@anthropic-ai', `claude-code-${PLATFORM}`, 'claude')
}

async function install(version: Version, folder: string): Promise<void> {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
  const child = spawn('npm', ['install', ...options, `@anthropic-ai/claude-code@${version}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let trouble = ''
  child.stderr.on('data', (piece: Buffer) => {
    trouble += piece.toString()
  })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`npm could not install Claude Code ${version}: ${trouble.trim()}`)
}

/** Runs `work` while holding a lock file; a lock left behind by a process that died is taken over. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const taken = await writeFile(lock, String(process.pid), { flag: 'wx' }).then(
      () => true,
      () => false,
    )
    if (taken) break
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true })
    await sleep(500)
  }
  await work().finally(() => rm(lock, { force: true }))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
