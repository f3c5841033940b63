/** Everything the rooms may ask of Postgres, a file per table behind it. */

import type { Log } from '../runtime.ts'
import { type Capabilities, capabilitiesIn } from './capabilities.ts'
import { type Channels, channelsIn } from './channels.ts'
import type { Database } from './database.ts'
import { type Deliveries, deliveriesIn } from './deliveries.ts'
import { type Keys, keysIn } from './keys.ts'
import { type Ledger, type LedgerOptions, ledgerIn } from './ledger.ts'
import { type Notices, noticesIn } from './notices.ts'
import { requestsIn } from './requests.ts'
import { type Settings, settingsIn } from './settings.ts'
import { type Signs, signsIn } from './signs.ts'
import { answeredInTime } from './silence.ts'

export interface Data {
  keys: Keys
  ledger: Ledger
  settings: Settings
  capabilities: Capabilities
  notices: Notices
  channels: Channels
  deliveries: Deliveries
  signs: Signs
  /** Answers when the database does. */
  ping(): Promise<void>
}

export interface DataOptions extends LedgerOptions {
  /** Told when the database has left a question unanswered for too long; without it, every answer is waited for. */
  silent?: () => void
}

export function dataIn(database: Database, log: Log, options: DataOptions = {}): Data {
  const { silent } = options
  const inTime = <T extends object>(questions: T): T =>
    silent ? answeredInTime(questions, silent) : questions
  return {
    keys: inTime(keysIn(database)),
    ledger: ledgerIn(inTime(requestsIn(database)), log, options),
    settings: inTime(settingsIn(database)),
    capabilities: inTime(capabilitiesIn(database)),
    notices: inTime(noticesIn(database)),
    channels: inTime(channelsIn(database)),
    deliveries: inTime(deliveriesIn(database)),
    signs: inTime(signsIn(database)),
    async ping() {
      await database.execute('select 1')
    },
  }
}
