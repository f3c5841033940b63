/** A process that holds what it is told to, says so, and keeps saying that it lives, until it is killed. */
import { holders } from '../../src/data/limits/holders.ts'
import { openRedis } from '../../src/data/limits/redis.ts'

const [url = '', name = '', count = '1', life = '60000'] = process.argv.slice(2)
const liveness = Number(life)
const { limits } = await openRedis(url, 5_000, { holders: holders({ now: Date.now, liveness }), liveness })
setInterval(() => void limits.renew().catch(() => {}), liveness / 20)
const until = Date.now() + 3_600_000
for (let held = 0; held < Number(count); held++) {
  const { granted } = await limits.take([{ kind: 'hold', name, cap: null, cost: 1, until, floor: 0 }])
  if (!granted) throw new Error('refused')
}
console.log('held')
