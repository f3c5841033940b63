/** A message in words, for people. Names in it were chosen by others: no character of theirs breaks a line. */
import type { Message } from './channel.ts'

/** One line, as short as is asked for. */
export function headline({ severity, sentence }: Message, most: number): string {
  return cut(`[${severity}] ${plain(sentence)}`, most)
}

/** The figures, one a line. */
export function figures({ detail }: Message): string[] {
  return Object.entries(detail).map(([name, value]) => `${name}: ${plain(String(value ?? 'none'))}`)
}

/** All that is to be said. */
export function letter(message: Message): string {
  const { id, kind, team, createdAt } = message
  const foot = [
    `notice: ${id}`,
    `kind: ${kind}`,
    ...(team === null ? [] : [`team: ${team}`]),
    `at: ${createdAt}`,
  ]
  return [plain(message.sentence), '', ...figures(message), '', ...foot, ''].join('\n')
}

function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** Never through the middle of a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  let kept = ''
  for (const character of text) {
    if (kept.length + character.length > most - 1) break
    kept += character
  }
  return `${kept}…`
}
