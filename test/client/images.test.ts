/** Pictures: in a prompt, and read from a file by a tool. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { emptyHome, turnResults, userLine } from './claude.ts'
import { VERSIONS } from './install.ts'
import { picture } from './picture.ts'
import { accounted, useStage } from './stage.ts'

const stage = useStage()

const STREAM_JSON = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']

describe.each(VERSIONS)('Claude Code %s', (version) => {
  test('a picture in the prompt arrives whole', async () => {
    const png = picture(32, 32)
    const source = { type: 'base64', media_type: 'image/png', data: png.toString('base64') }
    const input = [
      userLine([
        { type: 'image', source },
        { type: 'text', text: 'What is this?' },
      ]),
    ]
    const { code, stdout } = await stage().run({ version, args: ['-p', ...STREAM_JSON], input })
    expect(code).toBe(0)
    expect(turnResults(stdout)).toEqual([`I see an image of ${png.length} bytes (image/png).`])
    await accounted(stage(), 1)
  })

  test('a picture read by a tool comes back in its result', async () => {
    const home = await emptyHome()
    const path = join(home.cwd, 'marmot.png')
    await writeFile(path, picture(64, 64))
    const { code, stdout } = await stage().run({ version, home, args: ['-p', `!read ${path}`] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/I see an image of \d+ bytes \(image\/png\)\./)
    await accounted(stage(), 2)
  })
})
