/** Upstreams and what was found out about them, in memory. */
import type { Data } from '../src/data/data.ts'
import type { SurveyRow } from '../src/data/surveys.ts'
import type { UpstreamRow } from '../src/data/upstreams.ts'

export function fakeUpstreams(
  rows: UpstreamRow[],
  surveys: SurveyRow[],
): Pick<Data, 'upstreams' | 'surveys'> {
  const live = (id: string) => rows.find((row) => row.id === id && !row.archivedAt)
  const surveyed = (id: string) => surveys.find(({ upstreamId }) => upstreamId === id)

  function put(row: SurveyRow) {
    const known = surveyed(row.upstreamId)
    if (known) Object.assign(known, row)
    else surveys.push(row)
  }

  return {
    upstreams: {
      all: async () =>
        rows
          .filter(({ archivedAt }) => !archivedAt)
          .toSorted((a, b) => a.priority - b.priority || a.id.localeCompare(b.id)),
      byId: async (id) => live(id),
      lock: async (id) => live(id),
      create: async (row) => void rows.push(row),
      async change(id, change) {
        const row = live(id)
        const said = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
        return row && Object.assign(row, said)
      },
    },
    surveys: {
      all: async () => surveys,
      async claim(upstreamId, { at, until, unless }) {
        const known = surveyed(upstreamId)
        if (known && (known.at >= unless || (known.claimedUntil && known.claimedUntil >= at))) return false
        put({ ...(known ?? { findings: { checks: [] }, at: new Date(0) }), upstreamId, claimedUntil: until })
        return true
      },
      keep: async (upstreamId, findings, at) => put({ upstreamId, findings, at, claimedUntil: null }),
      async forget(upstreamId) {
        const index = surveys.findIndex((row) => row.upstreamId === upstreamId)
        if (index >= 0) surveys.splice(index, 1)
      },
    },
  }
}
