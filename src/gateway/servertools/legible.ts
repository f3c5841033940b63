/** Text as upstreams take it: they take none that is empty, and no half of a character. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** May come out empty. */
export function legible(text: string, longest = Number.POSITIVE_INFINITY): string {
  const short = text
    .trim()
    .slice(0, longest)
    .replace(/[\ud800-\udbff]$/, '')
  return decoder.decode(encoder.encode(short)).trim()
}
