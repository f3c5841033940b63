/**
 * What the image is made of, started as the image starts it: the files that the Dockerfile copies, and no others; of the
 * packages, those that are dependencies. Only the base image and the engine are not here.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { commandOf, copies, REPOSITORY, stages } from '../dockerfile.ts'
import { freePort } from '../services/ports.ts'
import { eventually } from './eventually.ts'

/** Where the stages work. */
const WORKDIR = '/app/'

let app: string
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'outcrop-image-'))
  for (const { source, target } of copies(stages().at(-1) ?? [])) {
    const path = source.startsWith(WORKDIR) ? source.slice(WORKDIR.length) : source
    if (path === 'node_modules') await linkDependencies()
    else await cp(join(REPOSITORY, path), join(app, target), { recursive: true })
  }
})
afterAll(() => rm(app, { recursive: true, force: true }))

async function linkDependencies() {
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(app, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(REPOSITORY, 'node_modules', name), link)
  }
}

test('the files of the image are a gateway: it serves its page, passes its health check, and ends well', async () => {
  const port = await freePort()
  const [, ...words] = commandOf('CMD')
  const env = {
    PATH: dirname(process.execPath),
    NODE_ENV: 'production',
    PORT: String(port),
    DATA_DIR: join(app, 'data'),
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const gateway = spawn(process.execPath, words, { cwd: app, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const over = once(gateway, 'exit')
  let complaints = ''
  gateway.stderr.on('data', (piece: Buffer) => {
    complaints += piece
  })
  try {
    const status = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        (answer) => answer.status,
        () => 0,
      )
    await eventually(
      async () => {
        if (gateway.exitCode !== null) throw new Error(`It ended: ${complaints}`)
        return (await status('/ready')) === 200 ? true : undefined
      },
      { within: 30_000 },
    )
    expect(await status('/')).toBe(200)
    expect(await status('/assets/page.css')).toBe(200)
    const [, ...check] = commandOf('HEALTHCHECK')
    await promisify(execFile)(process.execPath, check, { env }) // rejects where it exits otherwise than with 0
    gateway.kill('SIGTERM')
    expect(await over).toEqual([0, null])
    expect(complaints).toBe('')
    await expect(promisify(execFile)(process.execPath, check, { env })).rejects.toMatchObject({ code: 1 })
  } finally {
    gateway.kill('SIGKILL')
    await over
  }
})
