import { memo } from 'preact/compat'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Detection, Endpoint } from '../../../core/verdict/detection.ts'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { along, curveOf, onCircle, OUTSIDE, ringOf, type Curve, type Point2, type Ring, type RingNode } from '../model/ring.ts'
import { detectionHref } from '../model/route.ts'
import { deed } from '../model/sentence.ts'
import { bytes, number, remaining } from '../model/words.ts'
import { activeMitigations, type Wall } from '../model/wall.ts'

interface Frame { readonly width: number, readonly height: number, readonly center: Point2, readonly radius: number, readonly labels: boolean }

/** All points are named up to here; beyond, only those that a detection touches. */
const MAX_LABELS = 110
const BAND = 15

/** Letters of a name that are drawn; and the width of one at the size of the labels. */
const LABEL_LETTERS = 18
const LETTER = 6.4
const LABEL_HEIGHT = 9

const shorten = (text: string, letters: number): string => text.length > letters ? `${text.slice(0, letters - 1)}…` : text
const labelOf = ({ label, pods }: RingNode): string => shorten(pods > 1 ? `${label} ×${pods}` : label, LABEL_LETTERS)

function frameOf (width: number, nodes: readonly RingNode[]): Frame {
  const labels = nodes.length <= MAX_LABELS
  const longest = labels ? Math.max(0, ...nodes.map((node) => labelOf(node).length)) : 10
  const margin = BAND + 14 + longest * LETTER
  const height = Math.round(Math.min(Math.max(width * 0.9, 330), 660))
  const radius = Math.max(60, Math.min(width, height) / 2 - margin)
  return { width, height, center: { x: width / 2, y: height / 2 }, radius, labels }
}

function useWidth () {
  const ref = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (ref.current === null) return
    const observer = new ResizeObserver(([entry]) => { if (entry !== undefined) setWidth(Math.round(entry.contentRect.width)) })
    observer.observe(ref.current)
    return () => observer.disconnect()
  }, [])
  return { ref, width }
}

const at = (frame: Frame, node: RingNode, out = 0): Point2 => onCircle(frame.center, frame.radius + out, node.angle)
const xy = ({ x, y }: Point2): string => `${x.toFixed(1)} ${y.toFixed(1)}`

const between = (ring: Ring, frame: Frame, from: RingNode, to: RingNode): Curve => curveOf(ring, frame.center, frame.radius, from, to)
const pathOf = ({ from, first, second, to }: Curve): string => `M${xy(from)}C${xy(first)} ${xy(second)} ${xy(to)}`

/** The band of a namespace with its name along it; the lower half is written the other way round, to stay upright. */
function Groups ({ ring, frame }: { ring: Ring, frame: Frame }) {
  const middle = frame.radius + BAND / 2 + 5
  return (
    <g class="groups">
      {ring.groups.map(({ name, from, to }, index) => {
        const [a, b] = [onCircle(frame.center, middle, from), onCircle(frame.center, middle, to)]
        const whole = to - from > 2 * Math.PI - 0.001
        const large = !whole && to - from > Math.PI ? 1 : 0
        const low = !whole && Math.cos((from + to) / 2) < 0
        const [start, end] = whole ? [-1, 1] : [from, to] // one group has its name at the top of its circle
        const band = whole
          ? `M${xy(a)}A${middle} ${middle} 0 1 1 ${xy(onCircle(frame.center, middle, from + Math.PI))}A${middle} ${middle} 0 1 1 ${xy(a)}`
          : `M${xy(a)}A${middle} ${middle} 0 ${large} 1 ${xy(b)}`
        const text = middle + (low ? 2.9 : -2.9)
        const [c, d] = [onCircle(frame.center, text, low ? end : start), onCircle(frame.center, text, low ? start : end)]
        const room = Math.floor((to - from) * middle / 6.4)
        return (
          <g key={name} class={name === OUTSIDE ? 'outside' : ''}>
            <title>{name}</title>
            <path class="band" d={band} stroke-width={BAND} />
            <path id={`arc-${index}`} class="guide" d={`M${xy(c)}A${text} ${text} 0 ${large} ${low ? 0 : 1} ${xy(d)}`} />
            {(room >= name.length || room > 4) && <text><textPath href={`#arc-${index}`} startOffset="50%" text-anchor="middle">{shorten(name, room)}</textPath></text>}
          </g>
        )
      })}
    </g>
  )
}

function Edges ({ ring, frame }: { ring: Ring, frame: Frame }) {
  const busiest = Math.log1p(ring.edges.at(-1)?.packets ?? 1)
  const crowd = ring.edges.length > 120
  return (
    <g class="edges" aria-hidden="true">
      {ring.edges.map(({ source, target, packets, bytes: size, flows }) => {
        const [from, to] = [ring.nodes.get(source), ring.nodes.get(target)]
        if (from === undefined || to === undefined) return null
        const share = Math.log1p(packets) / busiest
        return (
          <path key={`${source}>${target}`} d={pathOf(between(ring, frame, from, to))} stroke-width={(crowd ? 0.5 + share * 0.5 : 0.8 + share * share * 3).toFixed(2)} stroke-opacity={(crowd ? 0.04 + share * 0.16 : 0.18 + share * 0.42).toFixed(2)}>
            <title>{`${from.label} to ${to.label}: ${number(packets)} packets, ${bytes(size)}, ${number(flows)} flows`}</title>
          </path>
        )
      })}
    </g>
  )
}

const OBSERVED_WORDS = { all: 'observed', some: 'partly observed', none: 'not observed' } as const

function Nodes ({ ring, frame, named }: { ring: Ring, frame: Frame, named: ReadonlySet<string> }) {
  const nodes = [...ring.nodes.values()]
  // What is not observed must be seen among hundreds: it is drawn last and never small.
  const ordered = [...nodes.filter(({ observed }) => observed === 'all'), ...nodes.filter(({ observed }) => observed !== 'all')]
  return (
    <g class="nodes">
      {ordered.map((node) => {
        const { x, y } = at(frame, node)
        const room = node.share * frame.radius
        const dot = Math.min(4.5, Math.max(0.9, room * 0.31))
        const label = at(frame, node, BAND + 11)
        const left = Math.sin(node.angle) < 0
        const turn = node.angle * 180 / Math.PI - 90 + (left ? 180 : 0)
        return (
          <g key={node.id} class={`${node.observed === 'none' ? 'hollow' : node.observed === 'some' ? 'half' : ''} ${node.pods === 0 ? 'stranger' : ''} ${named.has(node.id) ? 'named' : ''}`}>
            <title>{`${node.label}, ${node.group}${node.observed === null ? '' : `, ${OBSERVED_WORDS[node.observed]}`}`}</title>
            <circle cx={x} cy={y} r={named.has(node.id) ? 4.5 : node.observed === 'all' ? dot : Math.max(dot, 3)} stroke-width={dot < 2 && node.observed === 'all' ? 0 : 1.4} />
            {((frame.labels && room > LABEL_HEIGHT) || named.has(node.id)) && (
              <text x={label.x} y={label.y} dy="0.34em" transform={`rotate(${turn.toFixed(1)} ${xy(label)})`} text-anchor={left ? 'end' : 'start'}>
                {labelOf(node)}
              </text>
            )}
          </g>
        )
      })}
    </g>
  )
}

/** What changes with the traffic and not with the clock, below and above what a detection draws. */
const Below = memo(function Below ({ ring, frame }: { ring: Ring, frame: Frame }) {
  return <><Groups ring={ring} frame={frame} /><Edges ring={ring} frame={frame} /></>
})
const Above = memo(Nodes)

/** The edges that a detection lights: to its one target, or to whom its source talks. A fan-in lights none: not all who talk to its target are to blame. */
function litPairs (ring: Ring, { source, target }: Detection): readonly (readonly [RingNode, RingNode])[] {
  const node = (end: Endpoint | null): RingNode | null => end === null ? null : ring.nodeOf(end.address)
  const [from, to] = [node(source), node(target)]
  if (from === null) return []
  if (to !== null) return [[from, to]]
  const lit = ring.edges.filter((edge) => edge.source === from.id).slice(-40)
  return lit.flatMap((edge) => {
    const [a, b] = [ring.nodes.get(edge.source), ring.nodes.get(edge.target)]
    return a === undefined || b === undefined ? [] : [[a, b] as const]
  })
}

function LitEdges ({ ring, frame, detection }: { ring: Ring, frame: Frame, detection: Detection }) {
  const victim = detection.source === null && detection.target !== null ? ring.nodeOf(detection.target.address) : null
  return (
    <a href={detectionHref(detection.id)} class={`lit ${detection.phase} ${detection.simulated ? 'simulated' : ''}`} aria-label={deed(detection)}>
      <title>{deed(detection)}</title>
      {victim !== null && <circle class="wire" cx={at(frame, victim).x} cy={at(frame, victim).y} r={10} />}
      {litPairs(ring, detection).map(([from, to]) => {
        const line = between(ring, frame, from, to)
        const path = pathOf(line)
        const tip = along(line, 0.5)
        return (
          <g key={`${from.id}>${to.id}`}>
            <path class="touch" d={path} />
            <path class="glow" d={path} />
            <path class="wire" d={path} />
            <path class="arrow" d="M-5-5 6 0-5 5Z" transform={`translate(${xy(tip)}) rotate(${(tip.direction * 180 / Math.PI).toFixed(1)})`} />
          </g>
        )
      })}
    </a>
  )
}

interface Bar extends Point2 { readonly key: string, readonly direction: number, readonly simulated: boolean, readonly text: string }

/** Victims that each get a bar; beyond, one bar at the restricted pod says the same with less ink. */
const MAX_BARS = 8

/** Where bars stand: across each restricted edge, or at the pod itself where no victim, or too many, are named. */
function barsOf (ring: Ring, frame: Frame, mitigation: Mitigation, now: number): readonly Bar[] {
  const { metadata: { name }, spec: { subject, victims, expiresAt }, status: { simulated } } = mitigation
  const find = (addresses: readonly string[]): RingNode | null => addresses.map((address) => ring.nodeOf(address)).find((node) => node !== null) ?? null
  const text = `${remaining(Date.parse(expiresAt) - now)}${simulated ? ' simulated' : ''}`
  const from = subject === 'anySource' ? null : find(subject.addresses)
  const to = victims.length > MAX_BARS ? [] : victims.map(({ addresses }) => find(addresses)).filter((node) => node !== null)
  const bar = (node: RingNode, place: Point2 & { direction: number }): Bar => ({ key: `${name} ${node.id}`, simulated, text, ...place })
  if (from === null || to.length === 0) {
    return [from, ...to].filter((node) => node !== null).map((node) => bar(node, { ...at(frame, node, -14), direction: node.angle - Math.PI / 2 }))
  }
  return to.filter((node) => node.id !== from.id).map((node) => bar(node, along(between(ring, frame, from, node), 0.72)))
}

/** The bars whose text can be read: one that would be written over another's stays without. */
function readable (bars: readonly Bar[]): ReadonlySet<Bar> {
  const kept: Bar[] = []
  for (const bar of bars) {
    const room = (bar.text.length + 2) * LETTER
    if (kept.every(({ x, y }) => Math.abs(x - bar.x) > room || Math.abs(y - bar.y) > 32)) kept.push(bar)
  }
  return new Set(kept)
}

/** A bar across each restricted edge with what remains of its time. */
function Bars ({ bars }: { bars: readonly Bar[] }) {
  const texts = readable(bars)
  return (
    <g>
      {bars.map((bar) => (
        <g key={bar.key} class={`restriction ${bar.simulated ? 'simulated' : ''}`}>
          <title>{bar.text}</title>
          <rect class="bar" x={-3.5} y={-13} width={7} height={26} rx={1.5} transform={`translate(${xy(bar)}) rotate(${(bar.direction * 180 / Math.PI).toFixed(1)})`} />
        </g>
      ))}
      {/* Above all bars, not each above its own. */}
      {bars.filter((bar) => texts.has(bar)).map((bar) => (
        <g key={bar.key} class="restriction"><text x={bar.x} y={bar.y - 17} text-anchor="middle">{bar.text}</text></g>
      ))}
    </g>
  )
}

const addressesOf = (detections: readonly Detection[]): string[] =>
  detections.flatMap(({ source, target }) => [source, target]).flatMap((end) => end === null ? [] : [end.address])

export function TrafficMap ({ wall, now }: { wall: Wall, now: number }) {
  const { ref, width } = useWidth()
  const detections = [...wall.detections.values()].filter(({ phase }) => phase !== 'closed').slice(-60)
  const active = activeMitigations(wall, now).slice(0, 60)
  const touched = [...new Set(addressesOf(detections))].sort().join(' ')
  const ring = useMemo(() => ringOf(wall.pods, wall.edges, new Set(touched.split(' ').filter(Boolean))), [wall.pods, wall.edges, touched])
  const frame = useMemo(() => frameOf(width, [...ring.nodes.values()]), [width, ring])
  const named = useMemo(() => new Set(touched.split(' ').flatMap((address) => ring.nodeOf(address)?.id ?? [])), [ring, touched])
  return (
    <div class="map" ref={ref}>
      {width > 0 && (
        <svg width={frame.width} height={frame.height} role="group" aria-label={`Traffic between ${wall.pods.length} pods: ${ring.edges.length} edges, ${detections.length} with a detection, ${active.length} restrictions. The tables beside it hold the same.`}>
          <Below ring={ring} frame={frame} />
          {detections.map((detection) => <LitEdges key={detection.id} ring={ring} frame={frame} detection={detection} />)}
          <Above ring={ring} frame={frame} named={named} />
          <Bars bars={active.flatMap((mitigation) => barsOf(ring, frame, mitigation, now))} />
        </svg>
      )}
      <Legend ring={ring} wall={wall} />
    </div>
  )
}

function Legend ({ ring, wall }: { ring: Ring, wall: Wall }) {
  const told = wall.pods.some(({ observed }) => observed !== null)
  return (
    <ul class="legend">
      <li><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="4.5" class="key-dot" /></svg>{told ? 'observed' : ring.grain}</li>
      {told && <li><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="4" class="key-hollow" /></svg>not observed</li>}
      <li><svg width="22" height="12" aria-hidden="true"><path d="M1 6H21" class="key-lit" /></svg>detection</li>
      <li><svg width="22" height="12" aria-hidden="true"><path d="M1 6H21" class="key-lit simulated" /></svg>simulated, from a replay</li>
      <li><svg width="12" height="14" aria-hidden="true"><rect x="4" y="0" width="5" height="14" class="key-bar" /></svg>restriction, time left</li>
      {ring.grain !== 'pod' && <li>one point a {ring.grain}</li>}
      {ring.hidden > 0 && <li>{number(ring.hidden)} quieter edges not drawn</li>}
    </ul>
  )
}
