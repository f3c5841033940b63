/**
 * Makes test/fixtures/requests: what each version of Claude Code sends, with everything that was written taken out.
 * Only when asked to: OUTCROP_RECORD=1 npm run test:client -- test/client/record.test.ts
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { neutralBody, neutralHeaders } from '../fixtures/neutral.ts'
import { emptyHome, userLine } from './claude.ts'
import { startEngine } from './engine.ts'
import { VERSIONS, type Version } from './install.ts'
import { picture } from './picture.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { useStage } from './stage.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'requests')

const STREAM_JSON = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose']
const SKIP = '--dangerously-skip-permissions'
const PNG = picture(8, 8)
const IMAGE = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: PNG.toString('base64') },
}

interface Scene {
  args: string[]
  input?: unknown[]
  env?: Record<string, string>
  /** Run before, in the same conversation. */
  before?: string[][]
  /** A file in the folder it works in. */
  file?: string
  /** Which of its requests is kept. */
  keep: number
  only?: readonly Version[]
}

const SCENES: Record<string, Scene> = {
  plain: { args: ['-p', 'hello'], keep: 0 },
  tool: { args: ['-p', '!bash echo one', SKIP], keep: 1 },
  parallel: { args: ['-p', '!parallel echo one || echo two', SKIP], keep: 1 },
  refused: { args: ['-p', '!bash touch never'], keep: 1 },
  thinking: {
    args: ['-p', ...STREAM_JSON],
    input: [userLine('!think of marmots'), userLine('!redact the rest'), userLine('!say goodbye')],
    keep: 2,
  },
  subagent: { args: ['-p', '!agent !bash echo one', SKIP], keep: 2 },
  image: {
    args: ['-p', ...STREAM_JSON],
    input: [userLine([IMAGE, { type: 'text', text: 'hello' }])],
    keep: 0,
  },
  picture: { args: ['-p', '!read marmot.png', SKIP], file: 'marmot.png', keep: 1 },
  websearch: { args: ['-p', '!call WebSearch {"query":"marmots"}', SKIP], keep: 1 },
  toolsearch: {
    args: ['-p', '!call ToolSearch {"query":"select:WebFetch","max_results":5}\n!bash echo found', SKIP],
    env: { ENABLE_TOOL_SEARCH: 'true' },
    keep: 1,
  },
  compaction: {
    before: [['-p', '!bash echo one', SKIP]],
    args: ['-p', '/compact', '--continue'],
    keep: 0,
  },
  compacted: {
    before: [
      ['-p', '!bash echo one', SKIP],
      ['-p', '/compact', '--continue'],
    ],
    args: ['-p', '!say and on', '--continue'],
    keep: 0,
  },
  hour: { args: ['-p', 'hello'], env: { ENABLE_PROMPT_CACHING_1H: '1' }, keep: 0 },
  haiku: { args: ['-p', '!bash echo one', SKIP, '--model', 'claude-haiku-4-5'], keep: 1 },
  auto: { args: ['-p', '!bash echo one', '--permission-mode', 'auto'], keep: 1, only: ['2.1.328'] },
}

const records = process.env['OUTCROP_RECORD'] === '1'

describe.runIf(records)('fixtures', async () => {
  const engine = records ? await startEngine() : undefined
  const env = { WEB_SEARCH: 'custom', WEB_SEARCH_URL: engine?.url ?? '', EGRESS_ALLOW_LOOPBACK: 'true' }
  const stage = useStage({ env })
  let recorder: Recorder
  beforeAll(async () => {
    recorder = await startRecorder(stage().gateway.url)
  })
  beforeEach(() => {
    recorder.heard.length = 0
  })
  afterAll(async () => {
    await Promise.all([recorder.close(), engine?.close()])
    await promisify(execFile)('npx', ['biome', 'check', '--write', FIXTURES])
  })

  async function record(version: Version, scene: Scene) {
    const home = await emptyHome()
    if (scene.file !== undefined) await writeFile(join(home.cwd, scene.file), PNG)
    const clientEnv = { ANTHROPIC_BASE_URL: recorder.url, ...scene.env }
    for (const args of scene.before ?? []) await stage().run({ version, home, args, env: clientEnv })
    recorder.heard.length = 0
    const { args, input } = scene
    const act = { version, home, args, env: clientEnv }
    const { code, stderr } = await stage().run(input ? { ...act, input } : act)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return recorder.heard
  }

  describe.each(VERSIONS)('of Claude Code %s', (version) => {
    const scenes = Object.entries(SCENES).filter(([, { only }]) => only?.includes(version) ?? true)
    test.each(scenes)('%s', async (name, scene) => {
      const heard = await record(version, scene)
      const kept = heard[scene.keep]
      if (!kept) throw new Error(`Only ${heard.length} requests came.`)
      const { path, headers, body } = kept
      const fixture = { path, headers: neutralHeaders(headers), body: neutralBody(body) }
      await mkdir(join(FIXTURES, version), { recursive: true })
      await writeFile(join(FIXTURES, version, `${name}.json`), JSON.stringify(fixture))
    })
  })
})
