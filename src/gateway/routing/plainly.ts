/** How stories put what others have said: names that clients chose, and figures, as people read them. */

/** What of a name of a client's is shown. */
const LONGEST = 120
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** In quotation marks, on one line, and not longer than a line. */
export function quoted(name: string): string {
  const plain = name.replaceAll(CONTROL, '?')
  return `'${plain.length > LONGEST ? `${[...plain].slice(0, LONGEST).join('')}…` : plain}'`
}

/** A sentence, on one line. */
export function plainly(sentence: string): string {
  return sentence.replaceAll(CONTROL, '?')
}

/** `12 ms`, `1.2 s`, `3 min 5 s`. */
export function took(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

/** `131,952`. */
export function figure(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
