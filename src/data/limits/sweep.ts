/** Forgetting, a little at each write. */

/** Of the oldest, for each that is written: more go than come, so idle ones do not pile up. */
const LOOKED_AT = 2

/** Drops the oldest where they are over; those that are not are looked at again when all others were. */
export function sweep<T>(kept: Map<string, T>, isOver: (each: T) => boolean): void {
  for (let looked = 0; looked < LOOKED_AT; looked++) {
    const [oldest] = kept
    if (!oldest) return
    const [name, each] = oldest
    kept.delete(name)
    if (!isOver(each)) kept.set(name, each)
  }
}
