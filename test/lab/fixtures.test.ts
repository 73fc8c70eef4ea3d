import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { CLASSES } from '../../src/core/classes.ts'
import { findTool, skipWithout } from '../setup/tools.ts'
import type { AttackLabel, LegLabel, RunLabels } from './labels.ts'

t.setTimeout(120_000)

const ROOT = join(import.meta.dirname, '..', '..')
const FOLDERS = ['deploy/demo', 'test/fixtures/captures'].map((folder) => join(ROOT, folder))

const runs = FOLDERS.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.labels.json')).map((name) => ({
  labels: JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunLabels,
  capture: join(folder, name.replace('.labels.json', '.pcap.zst')),
})))

t.test('every class has a committed capture, and so has a run without attack; none was trained on', (t) => {
  const classes = new Set(runs.flatMap(({ labels }) => labels.attacks.map((attack) => attack.class)))
  t.same([...classes].sort(), CLASSES.filter((name) => name !== 'BENIGN').sort())
  t.ok(runs.some(({ labels }) => labels.attacks.length === 0))
  for (const { labels } of runs) t.ok(labels.holdout, labels.run)
  t.end()
})

/** tshark's words for the packets of a leg between the label's first and last. */
function filter (leg: LegLabel, attack: AttackLabel, pods: readonly string[]): string {
  const port = leg.ports === null ? leg.protocol : `${leg.protocol}.port in {${leg.ports.join(', ')}}`
  const notPods = `!(ip.src in {${pods.join(', ')}} && ip.dst in {${pods.join(', ')}})`
  const ends = leg.source === '*' ? `ip.addr == ${leg.destination} && ${notPods}` : `ip.addr == ${leg.source} && ip.addr == ${leg.destination}`
  const range = leg.destination.includes('/') ? ` && ${notPods}` : ''
  return `!icmp && ${port} && ${ends}${range} && frame.time_epoch >= ${(attack.startedMs / 1000).toFixed(6)} && frame.time_epoch <= ${((leg.lastPacketMs ?? 0) / 1000 + 5e-7).toFixed(7)}`
}

t.test('tshark counts as many packets of each attack as its label says', { skip: skipWithout([findTool('tshark').missing ?? []].flat()) }, (t) => {
  mkdirSync(t.testdir(), { recursive: true })
  for (const { labels, capture } of runs) {
    const file = join(t.testdirName, `${labels.run}.pcap`)
    writeFileSync(file, zstdDecompressSync(readFileSync(capture)))
    const pods = labels.pods.flatMap((pod) => pod.addresses)
    for (const attack of labels.attacks) {
      for (const leg of attack.legs) {
        const lines = execFileSync('tshark', ['-n', '-r', file, '-Y', filter(leg, attack, pods), '-T', 'fields', '-e', 'frame.number'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        t.equal(lines.split('\n').length - 1, leg.packets, `${labels.run}: ${attack.tool} to ${leg.destination}`)
      }
    }
  }
  t.end()
})
