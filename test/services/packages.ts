/** Packages of npm that tests run rather than import: each version installed once into a cache outside the repository. */
import { spawn } from 'node:child_process'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where one kind of them is kept, unless the caller knows better. */
export function cacheFolder(kind: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'outcrop', kind)
}

/**
 * The `node_modules` that a package, such as `deno@2.9.5`, was installed into as `name`: now, where that was not done
 * before, or not finished. No install script is run. However many ask at once, one installs and the others wait.
 * @throws with what npm complained of.
 */
export async function installed(cache: string, name: string, wanted: string): Promise<string> {
  const folder = join(cache, name)
  const marker = join(folder, 'complete')
  if (!(await exists(marker))) {
    await mkdir(cache, { recursive: true })
    await alone(join(cache, `${name}.lock`), async () => {
      if (await exists(marker)) return
      await rm(folder, { recursive: true, force: true })
      await install(wanted, folder)
      await writeFile(marker, '')
    })
  }
  return join(folder, 'node_modules')
}

async function install(wanted: string, folder: string): Promise<void> {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
  const child = spawn('npm', ['install', ...options, wanted], { stdio: ['ignore', 'ignore', 'pipe'] })
  let trouble = ''
  child.stderr.on('data', (piece: Buffer) => {
    trouble += piece.toString()
  })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`npm could not install ${wanted}: ${trouble.trim()}`)
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
