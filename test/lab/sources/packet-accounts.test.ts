import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { captureWindows } from '../../../models/training/capture-windows.ts'
import { keyId, windowStartMs, type Window } from '../../../src/core/window/window.ts'
import type { RunLabels } from '../labels.ts'
import { packetAccounts } from './packet-accounts.ts'

const RUN = join(import.meta.dirname, '../../fixtures/captures/brute-force-9011')
const { pods, endedMs } = JSON.parse(readFileSync(`${RUN}.labels.json`, 'utf8')) as RunLabels
const OBSERVED = pods.filter(({ name }) => name === 'web' || name === 'database')

const plain = (windows: readonly Window[]) => Object.fromEntries(windows.map(({ key, stepMs, number, features }) => [`${keyId(key)} ${stepMs} ${number}`, [...features]]))

t.test('each pod tells of its own keys, and of those what whoever sees all packets tells', async (t) => {
  const accounts = await packetAccounts(`${RUN}.pcap.zst`, OBSERVED, endedMs + 120_000)
  t.same(accounts.map(({ observer }) => observer).sort(), ['database', 'web'])
  const all = await captureWindows(`${RUN}.pcap.zst`)
  for (const { observer, windows } of accounts) {
    const own = new Set(OBSERVED.find(({ name }) => name === observer)?.addresses)
    const about = ({ key }: Window): boolean => (key.kind !== 'fan-in' && own.has(key.source)) || (key.kind !== 'fan-out' && own.has(key.destination))
    t.ok(windows.length > 0 && windows.every(about), `${observer}: ${windows.length} windows`)
    t.same(plain(windows), plain(all.filter((window) => about(window) && (window.key.kind === 'pair' || own.has(window.key.kind === 'fan-out' ? window.key.source : window.key.destination)))), observer)
  }
})

t.test('a window that is not over is not told', async (t) => {
  const untilMs = endedMs - 10_000
  const [account] = await packetAccounts(`${RUN}.pcap.zst`, OBSERVED, untilMs)
  const late = account?.windows.filter((window) => window.stepMs === 60_000 && windowStartMs(window) + 60_000 > endedMs) ?? []
  t.same(late, [], 'the minute in which the run ended')
})
