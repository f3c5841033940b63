/** Secrets that the gateway makes for itself, each in a file that only its user can read. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../protocol/codes.ts'
import { randomText } from '../protocol/keys.ts'

const LENGTH = 43 // 256 bits

/** The secret key of a data folder, made when it is first asked for. */
export async function generatedSecretKey(folder: string): Promise<string> {
  const path = join(folder, 'secret.key')
  const fresh = randomText(LENGTH)
  try {
    await writeFile(path, `${fresh}\n`, { flag: 'wx', mode: 0o600 })
    return fresh
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    return (await readFile(path, 'utf8')).trim()
  }
}
