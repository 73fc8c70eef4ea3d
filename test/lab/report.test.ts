import t from 'tap'
import { classPicture } from './class-picture.ts'
import type { DatasetIndex, IndexEntry } from './dataset-index.ts'
import { reportOf } from './report.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'

const load = { name: 'agentPolling', service: 'udp', looksLike: 'PORT_SCAN', rate: 0.5 }
const attack = { class: 'PORT_SCAN', tool: 'nmap -sS', service: 'any', manner: 'plain', rate: 150, packets: 900, seconds: 6 }
const entry = (run: string, change: Partial<IndexEntry> = {}): IndexEntry => ({ run, scenario: 'port-scan', holdout: false, seconds: 1800, packets: 1000, windows: 50, bytes: 2_000_000, attacks: [attack], benign: [load, load], ...change })
const index = (entries: IndexEntry[]): DatasetIndex => ({ apiVersion: 'autoshield.dev/v1alpha1', kind: 'LaboratoryDataset', purpose: 'training', runs: 4, hours: 2, entries })

t.test('a report counts runs, hours, attacks by manner and rate, and a kind of many pods once a run', (t) => {
  const text = reportOf(index([entry('a'), entry('b', { holdout: true, attacks: [attack, { ...attack, tool: 'nc slow', manner: 'slow', rate: 0.05 }] }), entry('c', { attacks: [], benign: [] })]), ['PORT_SCAN.svg'])
  t.match(text, '3 of 4 planned runs, 1.50 of 2 hours')
  t.match(text, '| for training | 2 | 1.00 | 1 | 1 |')
  t.match(text, '| held out | 1 | 0.50 | 0 | 2 |')
  t.match(text, '| PORT_SCAN | 3 | 2 | 2 | 1 | 0 | 1 | 2 | 1 | 0 | 0 | 0 | 2 | 0 | 0 |')
  t.match(text, '| agentPolling | PORT_SCAN | 2 | 1.00 | 0 | 4 | 0 |')
  t.match(text, '![PORT_SCAN](PORT_SCAN.svg)')
  t.end()
})

t.test('a picture shades the attack, draws what its key did, and shows names as text', (t) => {
  const start = 1_795_000_000_000
  const windows = [syntheticWindow({ key: { kind: 'pair', source: 'a', destination: 'b' }, stepMs: 500, number: start / 500 + 10 })]
  const svg = classPicture('PORT_SCAN', [{ title: 'nmap <script>', subtitle: '', windows, startMs: start, endMs: start + 20_000, attack: [start + 5000, start + 15_000] }])
  t.match(svg, /<rect x="182.5" y="64" width="125" height="54" fill="#fbdcd4"\/>/)
  t.match(svg, 'nmap &lt;script&gt;')
  t.notMatch(svg, '<script>')
  t.end()
})
