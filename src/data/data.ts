/** Everything the rooms may ask of Postgres, a file per table behind it. */

import type { Log } from '../runtime.ts'
import { type Audit, auditIn } from './audit.ts'
import { type Budgets, budgetsIn } from './budgets.ts'
import { type Capabilities, capabilitiesIn } from './capabilities.ts'
import { type Channels, channelsIn } from './channels.ts'
import type { Database, OpenDatabase } from './database.ts'
import { type Deliveries, deliveriesIn } from './deliveries.ts'
import { type Hours, hoursIn } from './hours.ts'
import { type Keys, keysIn } from './keys.ts'
import { type Ledger, type LedgerOptions, ledgerIn } from './ledger.ts'
import { type LimitRows, limitRowsIn } from './limitrows.ts'
import { type Memberships, membershipsIn } from './memberships.ts'
import { type Notices, noticesIn } from './notices.ts'
import { type PriceRows, pricesIn } from './prices.ts'
import { quarantineIn } from './quarantine.ts'
import { type Repricing, repricingIn } from './repricing.ts'
import { requestsIn } from './requests.ts'
import { type Retention, retentionIn } from './retention.ts'
import { type Settings, settingsIn } from './settings.ts'
import { type Signs, signsIn } from './signs.ts'
import { answeredInTime } from './silence.ts'
import { type Spending, spendingIn } from './spending.ts'
import { type Surveys, surveysIn } from './surveys.ts'
import { type Teams, teamsIn } from './teams.ts'
import { type Tokens, tokensIn } from './tokens.ts'
import { type Upstreams, upstreamsIn } from './upstreams.ts'
import { type Usage, usageIn } from './usage.ts'
import { type Users, usersIn } from './users.ts'

/** What people change, and what has to change together with it. */
export interface Tables {
  audit: Audit
  budgets: Budgets
  capabilities: Capabilities
  channels: Channels
  deliveries: Deliveries
  keys: Keys
  limits: LimitRows
  prices: PriceRows
  notices: Notices
  memberships: Memberships
  settings: Settings
  teams: Teams
  tokens: Tokens
  upstreams: Upstreams
  users: Users
}

export interface Data extends Tables {
  ledger: Ledger
  repricing: Repricing
  signs: Signs
  surveys: Surveys
  hours: Hours
  spending: Spending
  usage: Usage
  retention: Retention
  /**
   * Does all of this or none of it, except over Neon's HTTP, which has no transactions. What is asked of anything but
   * the tables that are handed in may wait for the end of it, and so never be answered.
   */
  atomically<T>(work: (tables: Tables) => Promise<T>): Promise<T>
  /** Answers when the database does. */
  ping(): Promise<void>
}

export interface DataOptions extends LedgerOptions, Pick<OpenDatabase, 'loose' | 'reports'> {
  /** Told when the database has left a question unanswered for too long; without it, every answer is waited for. */
  silent?: () => void
}

/** Also where the server has another one by default: whoever waited for a row sees it as it is then. */
const ISOLATION = { isolationLevel: 'read committed' } as const

export function dataIn(database: Database, log: Log, options: DataOptions = {}): Data {
  const { silent } = options
  const inTime = <T extends object>(questions: T): T =>
    silent ? answeredInTime(questions, silent) : questions
  const tables = tablesIn(database, inTime)
  const { atomically } = inTime<Pick<Data, 'atomically'>>({
    atomically: (work) =>
      options.loose ? work(tables) : database.transaction((inside) => work(tablesIn(inside)), ISOLATION),
  })
  const quarantine = inTime(quarantineIn(database))
  return {
    ...tables,
    atomically,
    ledger: ledgerIn({ requests: inTime(requestsIn(database)), quarantine }, log, options),
    hours: hoursIn(database),
    spending: inTime(spendingIn(database)),
    usage: usageIn(database, options.reports),
    retention: retentionIn(database),
    repricing: inTime(repricingIn(database)),
    signs: inTime(signsIn(database)),
    surveys: inTime(surveysIn(database)),
    async ping() {
      await database.execute('select 1')
    },
  }
}

function tablesIn(database: Database, inTime = <T extends object>(questions: T): T => questions): Tables {
  return {
    audit: inTime(auditIn(database)),
    budgets: inTime(budgetsIn(database)),
    capabilities: inTime(capabilitiesIn(database)),
    channels: inTime(channelsIn(database)),
    deliveries: inTime(deliveriesIn(database)),
    keys: inTime(keysIn(database)),
    limits: inTime(limitRowsIn(database)),
    prices: inTime(pricesIn(database)),
    notices: inTime(noticesIn(database)),
    memberships: inTime(membershipsIn(database)),
    settings: inTime(settingsIn(database)),
    teams: inTime(teamsIn(database)),
    tokens: inTime(tokensIn(database)),
    upstreams: inTime(upstreamsIn(database)),
    users: inTime(usersIn(database)),
  }
}
