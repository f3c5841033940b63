/** The picture the README shows: four figures, a bar each for everybody. Readable on light ground and on dark. */
import { type Figure, figureOf, type Result } from '../result.ts'
import { digits } from './cells.ts'

interface Panel {
  title: string
  unit: string
  scenario: string
  figure: Figure
  scale: number
  /** Less what calling the upstream directly takes. */
  added?: true
}

const KB = 1_000

const PANELS: readonly Panel[] = [
  { title: 'Processor time of a 100 KB request', unit: 'µs', scenario: 'json-100k', figure: 'cpu', scale: 1 },
  {
    title: 'Processor time of a streamed event',
    unit: 'µs',
    scenario: 'burst',
    figure: 'cpuPerEvent',
    scale: 1,
  },
  {
    title: 'Added to the first byte, 100 KB body, median',
    unit: 'ms',
    scenario: 'first-100k',
    figure: 'first50',
    scale: 1,
    added: true,
  },
  {
    title: 'Memory of an idle stream, 100 KB body',
    unit: 'KB',
    scenario: 'idle-1k-100k',
    figure: 'memory',
    scale: KB,
  },
]

/** Each by the first of its contenders that has the figure: memory is measured over servers of their own. */
const BARS: readonly { label: string; contenders: readonly string[]; ours?: true }[] = [
  { label: 'nginx, passes bytes', contenders: ['nginx'] },
  { label: 'raw node:http, passes bytes', contenders: ['pipe'] },
  { label: 'Outcrop on Node', contenders: ['node', 'node-pg'], ours: true },
  { label: 'Outcrop on Bun', contenders: ['bun', 'bun-pg'], ours: true },
  { label: 'Outcrop on workerd', contenders: ['workerd'], ours: true },
  { label: 'Portkey, Bedrock', contenders: ['portkey'] },
]

const PANEL = { width: 460, height: 196, left: 196, bar: 184, top: 44, row: 24 }
const COLUMNS = 2

const STYLE = `
  text { fill: #1f2328; font-size: 12px; } .title { font-size: 14px; font-weight: 600; }
  .label { text-anchor: end; } .other { fill: #8c959f; } .ours { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .other { fill: #768390; } .ours { fill: #f0883e; } }
`

/** Panels of which nothing was measured are left out. */
export function pictureOf(result: Result): string {
  const drawn = PANELS.map((panel) => ({ panel, values: valuesOf(result, panel) })).filter(
    ({ values }) => values.length > 0,
  )
  const rows = Math.ceil(drawn.length / COLUMNS)
  const panels = drawn.map(({ panel, values }, at) => draw(panel, values, at))
  const size = `0 0 ${PANEL.width * COLUMNS} ${PANEL.height * rows}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${size}" font-family="ui-sans-serif, system-ui, sans-serif" role="img" aria-label="${spoken(drawn)}">
  <style>${STYLE}</style>
${panels.join('\n')}
</svg>
`
}

interface Bar {
  label: string
  ours: boolean
  value: number
}

function valuesOf(result: Result, { scenario, figure, scale, added }: Panel): Bar[] {
  return BARS.flatMap(({ label, contenders, ours = false }) => {
    const found = contenders
      .map((name) => figureOf(result, name, scenario, figure))
      .find((value) => value !== undefined)
    if (found === undefined) return []
    const floor = added ? (figureOf(result, 'direct', scenario, figure) ?? 0) : 0
    return [{ label, ours, value: Math.max(0, found - floor) / scale }]
  })
}

function draw({ title, unit }: Panel, bars: readonly Bar[], at: number): string {
  const most = Math.max(...bars.map(({ value }) => value))
  const x = (at % COLUMNS) * PANEL.width
  const y = Math.floor(at / COLUMNS) * PANEL.height
  const lines = bars.map(({ label, ours, value }, row) => {
    const top = PANEL.top + row * PANEL.row
    const width = Math.max(1, (value / most) * PANEL.bar).toFixed(1)
    const end = PANEL.left + Number(width) + 6
    return [
      `    <text class="label" x="${PANEL.left - 8}" y="${top + 12}">${label}</text>`,
      `<rect class="${ours ? 'ours' : 'other'}" x="${PANEL.left}" y="${top}" width="${width}" height="16" rx="2"/>`,
      `<text x="${end}" y="${top + 12}">${digits(value)} ${unit}</text>`,
    ].join('')
  })
  const heading = `    <text class="title" x="12" y="26">${title}</text>`
  return `  <g transform="translate(${x} ${y})">\n${[heading, ...lines].join('\n')}\n  </g>`
}

function spoken(drawn: readonly { panel: Panel; values: readonly Bar[] }[]): string {
  return drawn
    .map(({ panel: { title, unit }, values }) => {
      const said = values.map(({ label, value }) => `${label} ${digits(value)} ${unit}`)
      return `${title}: ${said.join('; ')}.`
    })
    .join(' ')
}
