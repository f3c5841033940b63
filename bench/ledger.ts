/**
 * `npm run bench:ledger -- --rows 10000000`: how long reports take on a large ledger, and what becomes of the calls that
 * go on meanwhile. Postgres is started for it, with settings for tests: 16 MB of shared buffers.
 */
import { parseArgs } from 'node:util'
import { startFakeBedrock } from '../test/fakes/bedrock.ts'
import { findPostgres } from '../test/services/postgres.ts'
import { busy, machine, table } from './figures.ts'
import { measure, type Times } from './ledger/measure.ts'
import { stock } from './ledger/stock.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '30' },
  },
})
const [rows = 0, seconds = 0, rounds = 0] = [values.rows, values.seconds, values.rounds].map(Number)
if (!(rows > 0 && seconds > 0 && rounds > 0))
  throw new Error('--rows, --seconds and --rounds are numbers above zero')

async function bench() {
  const found = await findPostgres()
  if ('missing' in found) throw new Error(found.missing)
  const postgres = await found.start()
  const bedrock = await startFakeBedrock()
  try {
    const { url, filled, derived } = await stock(postgres, rows, console.log)
    console.log(`${machine()}; ${busy()}`)
    console.log(
      `${rows} rows written in ${filled.toFixed(0)} s, their hours derived in ${derived.toFixed(0)} s\n`,
    )
    const { reports, alone, beside, failed } = await measure({ url, bedrock, seconds, rounds })
    const line = (name: string, { count, p50, p95, p99 }: Times) => [
      name,
      String(count),
      ...[p50, p95, p99].map(shown),
    ]
    console.log(
      table(
        ['milliseconds', 'asked', 'p50', 'p95', 'p99'],
        [
          ...reports.map((each) => line(each.name, each)),
          line('`/v1/messages` to the first byte, alone', alone),
          line('the same beside all of these reports', beside),
        ],
      ),
    )
    console.log(`\ncalls that were not answered to their end: ${failed}; ${busy()}`)
  } finally {
    await bedrock.close()
    await postgres.close()
  }
}

function shown(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 10 ? 1 : 0)
}

// Whoever is still running is ended on the way out.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
await bench()
process.exit(0)
