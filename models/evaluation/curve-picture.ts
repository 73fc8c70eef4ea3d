import type { Curve } from './curves.ts'

const COLOURS = ['#b4442c', '#2c6fb4', '#3d8b3d', '#8a5fb0', '#b08a2c', '#3d8b8b', '#777777']
const [SIZE, LEFT, TOP] = [320, 56, 40] as const
/** A false share is drawn on a logarithmic axis from here: what matters lies at the left end. */
const LEAST = 1e-4

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const text = (x: number, y: number, content: string, more = ''): string => `<text x="${x}" y="${y}" font-size="11" fill="#333" ${more}>${escape(content)}</text>`
const round = (value: number): number => Math.round(10 * value) / 10

/** SVG: the ROC curve of each class beside its precision-recall curve. */
export function curvePicture (title: string, curves: readonly Curve[]): string {
  const [width, height] = [2 * (SIZE + LEFT) + 230, TOP + SIZE + 46]
  const right = 2 * LEFT + SIZE
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif"><rect width="${width}" height="${height}" fill="#fff"/>`,
    text(8, 18, title, 'font-weight="bold"'),
    ...frame(LEFT, 'share of benign keys alarmed', ['0.01 %', '0.1 %', '1 %', '10 %', '100 %'], 'attacks found'),
    ...frame(right, 'attacks found', ['0', '25 %', '50 %', '75 %', '100 %'], 'precision'),
    ...curves.flatMap(({ className, points, area, attacks }, at) => {
      const colour = COLOURS[at % COLOURS.length] ?? '#333'
      const y = (share: number): number => round(TOP + SIZE * (1 - share))
      const roc = points.map(({ falseShare, foundShare }) => `${round(LEFT + SIZE * (1 - Math.log10(Math.max(LEAST, falseShare)) / Math.log10(LEAST)))} ${y(foundShare)}`)
      const precision = points.map((point) => `${round(right + SIZE * point.foundShare)} ${y(point.precision)}`)
      const top = TOP + 16 + at * 18
      return [
        line(roc, colour),
        line(precision, colour),
        `<rect x="${right + SIZE + 16}" y="${top - 9}" width="10" height="10" fill="${colour}"/>`,
        text(right + SIZE + 32, top, `${className} ${area.toFixed(3)} (${attacks})`),
      ]
    }),
    text(right + SIZE + 16, TOP + 2, 'area under ROC (attacks)', 'fill-opacity="0.7"'),
    '</svg>\n',
  ].join('\n')
}

const line = (points: readonly string[], colour: string): string => `<path d="M${points.join('L')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`

function frame (left: number, along: string, ticks: readonly string[], up: string): string[] {
  return [
    `<rect x="${left}" y="${TOP}" width="${SIZE}" height="${SIZE}" fill="none" stroke="#999"/>`,
    ...ticks.map((tick, at) => text(left + SIZE * at / (ticks.length - 1), TOP + SIZE + 15, tick, 'text-anchor="middle"')),
    ...[0, 0.5, 1].map((share) => text(left - 5, TOP + SIZE * (1 - share) + 4, `${share * 100} %`, 'text-anchor="end"')),
    text(left + SIZE / 2, TOP + SIZE + 32, along, 'text-anchor="middle"'),
    text(left, TOP - 6, up),
  ]
}
