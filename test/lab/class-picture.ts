import { FEATURES, STEPS_MS } from '../../src/core/window/window.ts'
import type { FeatureName, Window } from '../../src/core/window/window.ts'

/** What one key did over time, and when of it an attack was under way (null: never). Times in Unix ms. */
export interface Shown { readonly title: string, readonly subtitle: string, readonly windows: readonly Window[], readonly startMs: number, readonly endMs: number, readonly attack: readonly [number, number] | null }

const ROWS: readonly FeatureName[] = ['flow_count', 'bytes_sent', 'bytes_received', 'syn_count', 'failed_conn_ratio', 'unique_ports']
const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [250, 54, 120, 64, 18] as const

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
/** White around it, for some of it stands on bars. */
const text = (x: number, y: number, content: string, size = 11, fill = '#333'): string => `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" stroke="#fff" stroke-width="3" paint-order="stroke">${escape(content)}</text>`

/** SVG: a column for each of `shown`, a row for each of six features, by 0.5 s window, logarithmic; the attack's time is shaded. */
export function classPicture (name: string, shown: readonly Shown[]): string {
  const [width, height] = [LEFT + shown.length * (WIDTH + GAP), TOP + ROWS.length * (HEIGHT + GAP)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif"><rect width="${width}" height="${height}" fill="#fff"/>`,
    text(8, 20, name, 15),
    ...ROWS.map((feature, row) => text(8, TOP + row * (HEIGHT + GAP) + HEIGHT / 2, feature)),
    ...shown.flatMap((one, column) => drawColumn(one, LEFT + column * (WIDTH + GAP))),
    '</svg>\n',
  ].join('\n')
}

function drawColumn (one: Shown, left: number): string[] {
  const span = Math.max(1, one.endMs - one.startMs)
  const x = (ms: number): number => Math.round(10 * (left + WIDTH * Math.min(1, Math.max(0, (ms - one.startMs) / span)))) / 10
  return [
    text(left, 40, one.title.slice(0, 44), 12),
    text(left, 54, one.subtitle.slice(0, 50), 10, '#777'),
    ...ROWS.flatMap((feature, row) => {
      const top = TOP + row * (HEIGHT + GAP)
      const shade = one.attack === null ? [] : [`<rect x="${x(one.attack[0])}" y="${top}" width="${Math.max(1, x(one.attack[1]) - x(one.attack[0]))}" height="${HEIGHT}" fill="#fbdcd4"/>`]
      return [...shade, `<rect x="${left}" y="${top}" width="${WIDTH}" height="${HEIGHT}" fill="none" stroke="#ccc"/>`, ...drawFeature(one, FEATURES.indexOf(feature), top, x)]
    }),
    text(left, TOP + ROWS.length * (HEIGHT + GAP) - 4, `${Math.round(span / 1000)} s`, 10, '#777'),
  ]
}

/** A thin bar in the middle of each window, as high as the logarithm of its value. */
function drawFeature ({ windows, startMs }: Shown, feature: number, top: number, x: (ms: number) => number): string[] {
  const values = windows.map((window) => ({ at: (window.number + 0.5) * STEPS_MS[0], value: window.features[feature] ?? 0 }))
  const most = Math.max(0, ...values.map(({ value }) => value))
  if (most === 0) return []
  const bars = values.filter(({ value }) => value > 0).map(({ at, value }) => {
    const height = Math.max(1, Math.round(HEIGHT * 0.95 * Math.log1p(value) / Math.log1p(most)))
    return `M${x(at)} ${top + HEIGHT}v-${height}`
  })
  return [`<path d="${bars.join('')}" stroke="#3b6ea5" stroke-width="1" fill="none"/>`, text(x(startMs) + 3, top + 10, most >= 10 ? String(Math.round(most)) : most.toFixed(2), 9, '#666')]
}
