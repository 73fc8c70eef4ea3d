import type { Diary, Target } from './diary.ts'
import { TARGETS } from './diary.ts'
import { reignsOf } from './invariants/leaders.ts'
import { endOf, livesOf } from './invariants/lives.ts'

const [LEFT, WIDTH, ROW, TICK_MS] = [130, 1_600, 16, 60_000]
const COLOURS: Readonly<Record<Target, string>> = {
  leader: '#b2182b', follower: '#ef8a62', 'api-server': '#762a83', etcd: '#9970ab', proxy: '#1b7837', keeper: '#5aae61', observer: '#2166ac', detector: '#67a9cf', xds: '#4d4d4d',
}

/** Kills by target over time, above who led, what was in force for each attacker, and when the innocent were not served: one SVG. */
export function pictureOf (diary: Diary): string {
  const { startedMs, endedMs, kills, probes, innocent, downtimes } = diary
  const x = (ms: number): number => LEFT + Math.round((Math.min(Math.max(ms, startedMs), endedMs) - startedMs) / (endedMs - startedMs) * WIDTH * 10) / 10
  const bar = (row: number, fromMs: number, untilMs: number, colour: string, opacity = 1): string =>
    `<rect x="${x(fromMs)}" y="${row * ROW + 3}" width="${Math.max(0.5, x(untilMs) - x(fromMs)).toFixed(1)}" height="${ROW - 6}" fill="${colour}" fill-opacity="${opacity}"/>`
  const lives = livesOf(diary)
  const rows: { readonly name: string, readonly marks: (row: number) => readonly string[] }[] = [
    ...TARGETS.map((target) => ({
      name: `${target} (${kills.filter((kill) => kill.target === target).length})`,
      marks: (row: number) => kills.filter((kill) => kill.target === target).map(({ atMs }) => `<line x1="${x(atMs)}" x2="${x(atMs)}" y1="${row * ROW + 2}" y2="${row * ROW + ROW - 2}" stroke="${COLOURS[target]}" stroke-width="2"/>`),
    })),
    ...[...new Set(reignsOf(diary).map(({ pod }) => pod))].filter((pod) => pod !== '').map((pod) => ({
      name: `${pod} leads`, marks: (row: number) => reignsOf(diary).filter((reign) => reign.pod === pod).map(({ fromMs, untilMs }) => bar(row, fromMs, untilMs, '#fdae61')),
    })),
    ...[...new Set(downtimes.map(({ victim }) => victim))].map((victim) => ({
      name: `${victim}: no proxy`, marks: (row: number) => downtimes.filter((down) => down.victim === victim).map(({ fromMs, untilMs }) => bar(row, fromMs, untilMs, '#5aae61')),
    })),
    ...[...new Set(lives.map(({ source }) => source))].map((source) => ({
      name: `${source} restricted`, marks: (row: number) => lives.filter((life) => life.source === source).map((life) => bar(row, life.createdMs, endOf(life), '#4575b4', 0.55)),
    })),
    {
      name: 'innocent fail', marks: (row) => probes.filter(({ source, got }) => got !== 'served' && innocent.includes(source)).map(({ fromMs, untilMs }) => bar(row, fromMs, untilMs, '#d73027')),
    },
  ]
  const height = (rows.length + 2) * ROW
  const ticks = Array.from({ length: Math.floor((endedMs - startedMs) / TICK_MS) + 1 }, (_, minute) => {
    const at = x(startedMs + minute * TICK_MS)
    return `<line x1="${at}" x2="${at}" y1="0" y2="${height - ROW}" stroke="#ddd"/><text x="${at}" y="${height - 4}" text-anchor="middle">${minute} min</text>`
  })
  const drawn = rows.map(({ name, marks }, row) => `<text x="${LEFT - 6}" y="${row * ROW + ROW - 4}" text-anchor="end">${name}</text>${marks(row).join('')}`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${height}" font-family="sans-serif" font-size="10">
<title>${kills.length} kills, seed ${diary.seed}</title>
<rect width="100%" height="100%" fill="white"/>
${[...ticks, ...drawn].join('\n')}
</svg>
`
}
