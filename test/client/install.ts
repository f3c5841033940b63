/** The published Claude Code, several versions side by side. */
import { join } from 'node:path'
import { cacheFolder, installed } from '../services/packages.ts'

export type Version = '2.1.328' | '2.1.257' | '2.1.126'

const ALL: readonly Version[] = ['2.1.328', '2.1.257', '2.1.126']

/** The versions to test: all, or those named in OUTCROP_CLIENT_VERSIONS. */
export const VERSIONS = ALL.filter((version) => wanted().includes(version))

function wanted(): readonly string[] {
  return process.env['OUTCROP_CLIENT_VERSIONS']?.split(',').map((each) => each.trim()) ?? ALL
}

const PLATFORM = `${process.platform}-${process.arch}`

/** The path of the binary, installing it first where that was not done, or not finished. */
export async function claudeBinary(version: Version): Promise<string> {
  const cache = process.env['OUTCROP_CLIENT_CACHE'] ?? cacheFolder('claude-code')
  const modules = await installed(cache, version, `@anthropic-ai/claude-code@${version}`)
  return join(modules, '@anthropic-ai', `claude-code-${PLATFORM}`, 'claude')
}
