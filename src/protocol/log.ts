/** Log lines: JSON for machines, text for a terminal. */
import type { Log, LogFields, LogLevel } from '../runtime.ts'

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

interface LogOptions {
  level: LogLevel
  format: 'text' | 'json'
  now: () => number
  write: (line: string) => void
}

export function logTo({ level, format, now, write }: LogOptions): Log {
  const line = format === 'json' ? jsonLine : textLine
  return (at, message, fields = {}) => {
    if (RANK[at] >= RANK[level]) write(`${line(new Date(now()).toISOString(), at, message, fields)}\n`)
  }
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  return JSON.stringify({ time, level, message, ...fields })
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${message}${rest.join('')}`
}
