/** Dollars a token, at a geographic profile: a tenth above the global one. https://aws.amazon.com/bedrock/pricing/ */

interface Price {
  input: number
  output: number
  read: number
  write: number
}

/** Of Opus 5.5, and of Haiku 5.5. */
const MAIN = scaled({ input: 4.4, output: 22, read: 0.22, write: 5.5 })
const SMALL = scaled({ input: 0.11, output: 0.55, read: 0.011, write: 0.1375 })

export function priceOf(model: 'main' | 'small'): Price {
  return model === 'main' ? MAIN : SMALL
}

function scaled({ input, output, read, write }: Price): Price {
  return { input: input / 1e6, output: output / 1e6, read: read / 1e6, write: write / 1e6 }
}
