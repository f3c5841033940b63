/** Nano-dollars as people read them. */

const NANO = 1_000_000_000
/** Below this, cents are too coarse. */
const SMALL = NANO

/** `$12.50`; small amounts to a hundredth of a cent. */
export function dollars(nano: number): string {
  return `$${(nano / NANO).toFixed(nano !== 0 && nano < SMALL ? 4 : 2)}`
}
