/** What no price is known for is not free: the log says so, once a day, model and process. Notices read it off the rows. */
import type { Runtime } from '../../runtime.ts'
import { dayOf, type Ran } from './book.ts'

const DAY = 86_400_000

/** Never rejects: the row says so as well. `id` is that of the request which ran into it. */
export async function tellUnpriced(
  runtime: Runtime,
  ran: Ran,
  { id, startedAt }: { id: string; startedAt: number },
) {
  const model = ran.model.slice(0, 200)
  const subject = `unpriced:${ran.provider}/${model}:${dayOf(startedAt)}`
  const tell = async () => {
    runtime.log('error', 'no price is known for this model: its cost is recorded as unknown', {
      id,
      provider: ran.provider,
      model,
      region_class: ran.regionClass,
    })
    return { value: true, ttl: DAY }
  }
  await runtime.cache.remember(subject, tell).catch(() => {})
}
