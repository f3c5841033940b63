/** Who uses the admin API, and as whom the audit log names them. */

export interface Actor {
  /** As the audit log has it: `root`, `token:token_…`. */
  id: string
  /** For people to read. */
  name: string
  role: 'admin' | 'auditor' | 'member'
  /** Undefined for root, which speaks for nobody. */
  userId: string | undefined
  /** Teams that this user leads, and those it belongs to, led or not. */
  leads: readonly string[]
  teams: readonly string[]
  /** Changes nothing, whatever the role may. */
  readOnly: boolean
  /** The operator's own token. */
  breakGlass: boolean
  /** When the token expires: what it makes for the same purpose does not outlive it. */
  until: Date | null
}

/** Whoever holds the operator's token: it works also where there is no user, or none that can come in. */
export const ROOT: Actor = {
  id: 'root',
  name: 'root',
  role: 'admin',
  userId: undefined,
  leads: [],
  teams: [],
  readOnly: false,
  breakGlass: true,
  until: null,
}
