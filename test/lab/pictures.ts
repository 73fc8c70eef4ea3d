import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RECORDING_SUFFIX, readRecording } from '../../models/training/window-recording.ts'
import { CLASSES } from '../../src/core/classes.ts'
import { COUNTERS, STEPS_MS, keyId } from '../../src/core/window/window.ts'
import type { Window } from '../../src/core/window/window.ts'
import { classPicture } from './class-picture.ts'
import type { Shown } from './class-picture.ts'
import type { DatasetIndex, IndexEntry } from './dataset-index.ts'
import type { AttackLabel, RunLabels } from './labels.ts'

const COLUMNS = 4
const [SENT, RECEIVED] = [COUNTERS.indexOf('packets_sent'), COUNTERS.indexOf('packets_received')]
const packetsOf = ({ counters }: Window): number => (counters[SENT] ?? 0) + (counters[RECEIVED] ?? 0)

/** Writes CLASS.svg for each class that the data set has: what four of its attacks, by different tools, or four busy pairs without any, did over time. */
export async function writePictures (folder: string, { entries }: DatasetIndex): Promise<string[]> {
  const written: string[] = []
  for (const name of CLASSES) {
    const chosen = name === 'BENIGN' ? spread(entries.filter(({ attacks }) => attacks.length === 0)).map((entry) => ({ entry, at: -1 })) : attacksOf(entries, name)
    if (chosen.length === 0) continue
    const shown = await Promise.all(chosen.map(({ entry, at }) => show(folder, entry, at)))
    written.push(`${name}.svg`)
    await writeFile(join(folder, `${name}.svg`), classPicture(name, shown))
  }
  return written
}

/** Evenly over the list. */
const spread = <T>(items: readonly T[]): T[] => items.filter((_, at) => at % Math.ceil(items.length / COLUMNS) === 0).slice(0, COLUMNS)

function attacksOf (entries: readonly IndexEntry[], name: string): { entry: IndexEntry, at: number }[] {
  const byTool = new Map<string, { entry: IndexEntry, at: number }>()
  for (const entry of entries) entry.attacks.forEach((attack, at) => { if (attack.class === name && !byTool.has(attack.tool)) byTool.set(attack.tool, { entry, at }) })
  return spread([...byTool.values()])
}

async function show (folder: string, { run }: IndexEntry, at: number): Promise<Shown> {
  const labels = JSON.parse(await readFile(join(folder, `${run}.labels.json`), 'utf8')) as RunLabels // this laboratory's own file
  const windows = (await readRecording(join(folder, run + RECORDING_SUFFIX), 0)).filter(({ stepMs }) => stepMs === STEPS_MS[0])
  const attack = labels.attacks[at]
  const id = attack === undefined ? busiestPair(windows) : keyOf(attack)
  return {
    title: attack?.tool ?? nameKey(id, labels),
    subtitle: attack === undefined ? run : `${run} ${attack.manner}${attack.rate === null ? '' : `, ${Number(attack.rate.toPrecision(2))}/s`}`,
    windows: windows.filter(({ key }) => keyId(key) === id),
    startMs: labels.startedMs,
    endMs: labels.endedMs,
    attack: attack?.firstPacketMs == null || attack.lastPacketMs === null ? null : [attack.firstPacketMs, attack.lastPacketMs],
  }
}

/** The key on which an attack's largest leg is seen. */
function keyOf ({ legs }: AttackLabel): string {
  const [largest] = [...legs].sort((one, other) => other.packets - one.packets)
  if (largest === undefined) return ''
  if (largest.source === '*') return keyId({ kind: 'fan-in', destination: largest.destination })
  return largest.destination.includes('/') ? keyId({ kind: 'fan-out', source: largest.source }) : keyId({ kind: 'pair', source: largest.source, destination: largest.destination })
}

function busiestPair (windows: readonly Window[]): string {
  const packets = new Map<string, number>()
  for (const window of windows) if (window.key.kind === 'pair') packets.set(keyId(window.key), (packets.get(keyId(window.key)) ?? 0) + packetsOf(window))
  return [...packets].sort(([, one], [, other]) => other - one)[0]?.[0] ?? ''
}

const nameKey = (id: string, { pods }: RunLabels): string => id.split('>').map((address) => pods.find(({ addresses }) => addresses.includes(address))?.name ?? address).join(' to ')
