/** CRC-32/ISO-HDLC, eight bytes a step: every byte of every event-stream frame passes here. */

/** Of `bytes[start, end)`, as an unsigned number. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  let at = start
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC
  for (const last = end - 7; at < last; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return ~crc >>> 0
}

const CRC = crcTables()

type Table = Int32Array

function crcTables(): [Table, Table, Table, Table, Table, Table, Table, Table] {
  const table = () => new Int32Array(256)
  const tables: ReturnType<typeof crcTables> = [
    table(),
    table(),
    table(),
    table(),
    table(),
    table(),
    table(),
    table(),
  ]
  const [first, ...rest] = tables
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    first[byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = first[byte] ?? 0
    for (const table of rest) {
      crc = (crc >>> 8) ^ (first[crc & 0xff] ?? 0)
      table[byte] = crc
    }
  }
  return tables
}
