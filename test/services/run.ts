/** Programs of the machine: where they are, and running one to its end. */
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'

/** The user a program runs as. Empty: ours. */
export interface User {
  uid?: number
  gid?: number
}

/** What it printed. @throws with what it complained of. */
export function run(program: string, args: readonly string[], user: User = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { ...user, cwd: '/', timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr || error.message}`))
      else resolve(stdout)
    })
  })
}

/** The first of the folders that holds every one of these programs. */
export async function folderWith(
  programs: readonly string[],
  folders: readonly string[],
): Promise<string | undefined> {
  for (const folder of folders) {
    const checks = programs.map((program) => access(join(folder, program), constants.X_OK))
    const found = await Promise.all(checks).catch(() => undefined)
    if (found) return folder
  }
  return undefined
}
