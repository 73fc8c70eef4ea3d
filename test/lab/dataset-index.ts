import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { RunLabels } from './labels.ts'
import { PURPOSES } from './schedule.ts'
import type { PlannedRun, PurposeName } from './schedule.ts'

const rate = Type.Union([Type.Number(), Type.Null()])

const Entry = Type.Object({
  run: Type.String(),
  scenario: Type.String(),
  holdout: Type.Boolean(),
  seconds: Type.Number(),
  packets: Type.Integer(),
  /** Rows of the recording, and its size. */
  windows: Type.Integer(),
  bytes: Type.Integer(),
  attacks: Type.Array(Type.Object({ class: Type.String(), tool: Type.String(), service: Type.String(), manner: Type.String(), rate, packets: Type.Integer(), seconds: Type.Number() })),
  benign: Type.Array(Type.Object({ name: Type.String(), service: Type.String(), looksLike: Type.Union([Type.String(), Type.Null()]), rate })),
})

/** What a data set is to become, and which of its runs are there. Each has RUN.windows.zst (recording.proto) and RUN.labels.json (labels.ts) beside it. */
const DatasetIndex = Type.Object({ apiVersion: Type.Literal('autoshield.dev/v1alpha1'), kind: Type.Literal('LaboratoryDataset'), purpose: Type.Enum(Object.keys(PURPOSES) as PurposeName[]), runs: Type.Integer(), hours: Type.Number(), entries: Type.Array(Entry) })

export type IndexEntry = Static<typeof Entry>
export type DatasetIndex = Static<typeof DatasetIndex>

/** Where the index of a data set lies. */
export const indexPath = (folder: string): string => join(folder, 'index.json')

/** The index of a data set that was begun; null where there is none. Throws BAD_DATA. */
export function readIndex (folder: string): DatasetIndex | null {
  const path = indexPath(folder)
  if (!existsSync(path)) return null
  const file: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!Value.Check(DatasetIndex, file)) throw new AutoshieldError('BAD_DATA', `${path} is not the index of a data set: ${Value.Errors(DatasetIndex, file)[0]?.instancePath ?? ''}; choose another folder with --out`)
  return file
}

/** Whoever reads it meanwhile sees the old one or the new one, never half of one. */
export function writeIndex (folder: string, index: DatasetIndex): void {
  const { entries, ...head } = index
  const text = JSON.stringify(head).slice(0, -1)
  const path = indexPath(folder)
  writeFileSync(`${path}.new`, `${text}, "entries": [\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`)
  renameSync(`${path}.new`, path)
}

export function entryOf ({ name, seconds }: PlannedRun, labels: RunLabels, recording: { windows: number, bytes: number }): IndexEntry {
  return {
    run: name,
    scenario: labels.scenario,
    holdout: labels.holdout,
    seconds,
    packets: labels.capture.packets,
    ...recording,
    attacks: labels.attacks.map((attack) => ({
      class: attack.class,
      tool: attack.tool,
      service: attack.service,
      manner: attack.manner,
      rate: attack.rate,
      packets: attack.packets,
      seconds: Math.round((attack.lastPacketMs ?? 0) - (attack.firstPacketMs ?? 0)) / 1000,
    })),
    benign: labels.benign.map(({ name, service, looksLike, rate }) => ({ name, service, looksLike, rate })),
  }
}
