/** Everything the rooms may ask of Postgres, a file per table behind it. */

import type { Log } from '../runtime.ts'
import { type Capabilities, capabilitiesIn } from './capabilities.ts'
import type { Database } from './database.ts'
import { type Keys, keysIn } from './keys.ts'
import { type Ledger, type LedgerOptions, ledgerIn } from './requests.ts'
import { type Settings, settingsIn } from './settings.ts'

export interface Data {
  keys: Keys
  ledger: Ledger
  settings: Settings
  capabilities: Capabilities
  /** Answers when the database does. */
  ping(): Promise<void>
}

export function dataIn(database: Database, log: Log, options: LedgerOptions = {}): Data {
  return {
    keys: keysIn(database),
    ledger: ledgerIn(database, log, options),
    settings: settingsIn(database),
    capabilities: capabilitiesIn(database),
    async ping() {
      await database.execute('select 1')
    },
  }
}
