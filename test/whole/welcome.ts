/** The words of a first start, found in what a process printed. */
import { eventually } from './eventually.ts'

export interface Words {
  token: string
  key: string
  /** How many admin tokens, how many keys were printed, and which URLs in the lines that connect a client. */
  tokens: number
  keys: number
  urls: string[]
}

/** Whatever a process has to print at its start is printed before it logs that it listens. */
export async function wordsOf({ stdout }: { stdout(): string }): Promise<Words> {
  await eventually(() => (stdout().includes('"message":"listening"') ? true : undefined))
  return wordsIn(stdout())
}

function wordsIn(printed: string): Words {
  const tokens = printed.match(/\boa_[0-9A-Za-z]{43}\b/g) ?? []
  const keys = [...printed.matchAll(/^\s*export ANTHROPIC_AUTH_TOKEN=(oc_[0-9A-Za-z]{38})$/gm)]
  const urls = [...printed.matchAll(/^\s*export ANTHROPIC_BASE_URL=(\S+)$/gm)]
  return {
    token: tokens[0] ?? '',
    key: keys[0]?.[1] ?? '',
    tokens: tokens.length,
    keys: keys.length,
    urls: urls.map(([, url = '']) => url),
  }
}
