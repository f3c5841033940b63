/** Amounts as people write them: decimal text in dollars, read and written exactly, with no float in between. */

/** Micro-dollars for a decimal such as `0.25`; undefined where it is none, or finer than a micro-dollar. */
export function microsIn(text: string): number | undefined {
  const [, whole = '', , part = ''] = /^(\d{1,9})(\.(\d{1,6}))?$/.exec(text.trim()) ?? []
  return whole === '' ? undefined : Number(whole) * 1_000_000 + Number(part.padEnd(6, '0'))
}

/** `0.25`, `4.00`: at least cents, and no more digits than it takes. */
export function dollarsOf(micros: number): string {
  return decimal(BigInt(micros), 6)
}

/** A cost for people: `$0.425`. */
export function dollarsOfNano(nano: number): string {
  return `$${decimal(BigInt(nano), 9)}`
}

function decimal(amount: bigint, places: number): string {
  const digits = amount.toString().padStart(places + 1, '0')
  const part = digits.slice(-places).replace(/0+$/, '').padEnd(2, '0')
  return `${digits.slice(0, -places)}.${part}`
}
