/** What no price is known for is not free: it is told, once a day and model. */
import type { Runtime } from '../../runtime.ts'
import { dayOf, type Ran } from './book.ts'

const DAY = 86_400_000

/** Never rejects: the row has been written, and says so as well. */
export async function tellUnpriced(runtime: Runtime, ran: Ran, at: number): Promise<void> {
  const subject = `unpriced:${ran.provider}/${ran.model.slice(0, 200)}:${dayOf(at)}`
  await runtime.cache
    .remember(subject, async () => {
      runtime.log('error', 'no price is known for this model: its cost is recorded as unknown', {
        provider: ran.provider,
        model: ran.model.slice(0, 200),
        region_class: ran.regionClass,
      })
      return { value: true, ttl: DAY }
    })
    .catch(() => {})
}
