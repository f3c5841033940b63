/** Settings of a plug-in, as data: forms are drawn and answers checked from them. Values are text. */

export interface Field {
  name: string
  label: string
  required?: true
  /** Stored encrypted, never shown again. */
  secret?: true
  /** An address that the gateway will call: it goes through the guard for such. */
  url?: true
  /** What it may be; undefined is any text. The first is what it is when it is left empty. */
  options?: readonly string[]
  /** What it is when it is left empty, or an example. */
  hint?: string
}

export type Settings = Readonly<Partial<Record<string, string>>>
