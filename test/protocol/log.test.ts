import { expect, test } from 'vitest'
import { logTo } from '../../src/protocol/log.ts'

function logged(format: 'text' | 'json') {
  const lines: string[] = []
  const log = logTo({
    level: 'info',
    format,
    now: () => Date.UTC(2026, 10, 20, 9, 8, 7, 6),
    write: (line) => void lines.push(line),
  })
  log('debug', 'too quiet')
  log('warn', 'request', { id: 'req_1', odd: 'line\nbreak', ms: 5, none: undefined })
  return lines
}

test('for a machine: a JSON object a line', () => {
  expect(logged('json')).toEqual([
    '{"time":"2026-11-20T09:08:07.006Z","level":"warn","message":"request","id":"req_1","odd":"line\\nbreak","ms":5}\n',
  ])
})

test('for a person: a sentence a line, which no value can break in two', () => {
  expect(logged('text')).toEqual(['09:08:07.006 warn  request id="req_1" odd="line\\nbreak" ms=5\n'])
})
