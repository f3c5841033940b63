import { test } from 'vitest'
import { emptyHome } from './claude.ts'
import { VERSIONS } from './install.ts'
import { useStage } from './stage.ts'

const stage = useStage()

import type { Step } from '../fakes/steps.ts'
const STEPS: [string, Step[]][] = [
  ['exc0', [{ kind: 'exception', name: 'throttlingException', after: 0 }]],
  ['exc1', [{ kind: 'exception', name: 'throttlingException', after: 1 }]],
  ['exc4', [{ kind: 'exception', name: 'modelStreamErrorException', after: 4 }]],
  ['excLate', [{ kind: 'exception', name: 'internalServerException', after: 12 }]],
  ['errorframe', [{ kind: 'error', code: 'x', message: 'y', after: 4 }]],
  ['end0', [{ kind: 'end', events: 0 }]],
  ['end1', [{ kind: 'end', events: 1 }]],
  ['end4', [{ kind: 'end', events: 4 }]],
  ['endmid', [{ kind: 'end', events: 4, middle: true }]],
  ['corrupt', [{ kind: 'corrupt', frame: 4, how: 'payload' }]],
  ['corruptlen', [{ kind: 'corrupt', frame: 4, how: 'length' }]],
  ['cutbytes', [{ kind: 'cut', bytes: 1500 }]],
  ['cut0', [{ kind: 'cut', bytes: 0 }]],
  ['503', [{ kind: 'refuse', exception: 'ServiceUnavailableException' }]],
  ['500', [{ kind: 'refuse', exception: 'InternalServerException' }]],
  ['403', [{ kind: 'refuse', exception: 'AccessDeniedException' }]],
  ['404', [{ kind: 'refuse', exception: 'ResourceNotFoundException' }]],
  ['408', [{ kind: 'refuse', exception: 'ModelTimeoutException' }]],
  ['424', [{ kind: 'refuse', exception: 'ModelErrorException' }]],
  ['expired', [{ kind: 'refuse', exception: 'ExpiredTokenException' }]],
  ['toolong', [{ kind: 'refuse', exception: 'ValidationException', message: 'Input is too long for requested model.' }]],
  ['beta', [{ kind: 'refuse', exception: 'ValidationException', message: 'invalid beta flag' }]],
  ['extra', [{ kind: 'refuse', exception: 'ValidationException', message: 'output_config: Extra inputs are not permitted' }]],
  ['sig', [{ kind: 'refuse', exception: 'ValidationException', message: 'messages.1.content.0: Invalid `signature` in `thinking` block' }]],
  ['split1', [{ kind: 'answer', split: 1 }]],
  ['strange', [{ kind: 'insert', after: 2, events: [{ type: 'new_kind' }, { hello: 1 }] }]],
]
for (const version of VERSIONS)
  for (const [name, steps] of STEPS)
    test(`${version} ${name}`, async () => {
      if (process.env['ONLY'] && !process.env['ONLY'].split(',').includes(name)) return
      const home = await emptyHome()
      stage().fake.script(...steps)
      const r = await stage().run({ version, args: ['-p', 'Greet the marmots'], env: {}, home })
      console.log(`@@ ${version} ${name} code=${r.code} ms=${r.ms} out=${JSON.stringify(r.stdout.slice(0, 160))} err=${JSON.stringify(r.stderr.slice(0, 150))} :: ${stage().fake.seen.map((s) => `${s.operation}:${s.outcome}`).join(' ')}`)
    })
