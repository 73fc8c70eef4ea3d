import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { AutoshieldError } from '../../src/core/errors.ts'
import { FEATURE_SCHEMA, STEPS_MS, keyId, type Window } from '../../src/core/window/window.ts'
import { decodeWindows } from '../../src/wire/decode-windows.ts'
import { encodeWindows } from '../../src/wire/encode-windows.ts'
import { WindowRecordingSchema } from '../../src/wire/gen/recording_pb.ts'
import { captureWindows } from './capture-windows.ts'

/**
 * A run is read once for each of these: an attack that one clock cuts in two is whole in another. No multiples of a step, and spread over 60 s.
 * A recording has the shortest step in the first reading alone, where another clock changes least and most of the bytes are.
 */
export const SHIFTS_MS = [0, 20_170, 40_330] as const

export const RECORDING_SUFFIX = '.windows.zst'

/** Slow, and a fifth smaller than the default. */
const LEVEL = 19

export interface Recording { readonly bytes: Uint8Array, readonly windows: number }

/** What one pod's observer told; `observer` is empty where somebody saw all. */
export interface Account { readonly observer: string, readonly windows: readonly Window[] }

/** All windows of a capture as `recording.proto` says, compressed. */
export async function recordWindows (capture: string): Promise<Recording> {
  const readings: Reading[] = []
  for (const shiftMs of SHIFTS_MS) {
    const windows = await captureWindows(capture, shiftMs)
    readings.push({ shiftMs, observer: '', windows: windows.filter(({ stepMs }) => shiftMs === 0 || stepMs !== STEPS_MS[0]) })
  }
  return await packed(readings)
}

/** What observers told, each by its own clock; compressed. */
export const recordAccounts = (accounts: readonly Account[]): Promise<Recording> => packed(accounts.map((account) => ({ ...account, shiftMs: 0 })))

interface Reading extends Account { readonly shiftMs: number }

async function packed (readings: readonly Reading[]): Promise<Recording> {
  const recording = create(WindowRecordingSchema, { featureSchema: FEATURE_SCHEMA })
  for (const { shiftMs, observer, windows } of readings) recording.readings.push({ $typeName: 'autoshield.wire.v1.WindowReading', shiftMs, observer, windows: encodeWindows(byKey(windows)) })
  const bytes = await promisify(zstdCompress)(toBinary(WindowRecordingSchema, recording), { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } })
  return { bytes, windows: readings.reduce((sum, { windows }) => sum + windows.length, 0) }
}

/** What one key says is alike: side by side it compresses best. */
function byKey (windows: readonly Window[]): Window[] {
  const named = windows.map((window) => ({ window, id: keyId(window.key) }))
  named.sort((one, other) => one.window.stepMs - other.window.stepMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : one.window.number - other.window.number))
  return named.map(({ window }) => window)
}

/** The windows of one reading, in the order in which they closed. Throws BAD_DATA, also where several observers told theirs. */
export async function readRecording (path: string, shiftMs: number): Promise<Window[]> {
  const [account, ...others] = await readAccounts(path, shiftMs)
  if (account === undefined || others.length > 0) throw new AutoshieldError('BAD_DATA', `${path} has the accounts of ${others.length + 1} observers, in which a pair is told twice: npm run eval judges it, and nothing is trained on it`)
  return [...account.windows]
}

/** The account of each observer, its windows in the order in which they closed; at least one. Throws BAD_DATA. */
export async function readAccounts (path: string, shiftMs: number): Promise<Account[]> {
  const bytes = await readFile(path)
  const recording = await promisify(zstdDecompress)(bytes).then((whole) => fromBinary(WindowRecordingSchema, whole)).catch((error: unknown) => {
    throw new AutoshieldError('BAD_DATA', `${path} is no recording of windows, or is cut off (${AutoshieldError.from(error).message}); make the run again with npm run lab`)
  })
  if (recording.featureSchema !== FEATURE_SCHEMA) throw new AutoshieldError('BAD_DATA', `${path} has windows of ${recording.featureSchema}, this program reads ${FEATURE_SCHEMA}: make the run again with npm run lab`)
  const readings = recording.readings.filter((each) => each.shiftMs === shiftMs)
  if (readings.length === 0) throw new AutoshieldError('BAD_DATA', `${path} has no reading of a clock ${shiftMs} ms later; it has: ${recording.readings.map((each) => each.shiftMs).join(', ')}`)
  return readings.map(({ observer, windows }) => {
    const decoded = windows === undefined ? null : decodeWindows(windows)
    if (decoded?.ok !== true) throw new AutoshieldError('BAD_DATA', `${path} is no recording of windows: ${decoded?.problem ?? 'a reading has none'}; make the run again with npm run lab`)
    return { observer, windows: byEnd(decoded.windows) }
  })
}

const byEnd = (windows: readonly Window[]): Window[] => {
  const end = ({ number, stepMs }: Window): number => (number + 1) * stepMs
  return [...windows].sort((one, other) => end(one) - end(other))
}

/** The windows of a capture or of a recording, whichever `path` is. */
export async function windowsOf (path: string, shiftMs: number): Promise<Window[]> {
  return await (path.endsWith(RECORDING_SUFFIX) ? readRecording(path, shiftMs) : captureWindows(path, shiftMs))
}

/** The same as accounts: a capture is somebody's who saw all. */
export async function accountsOf (path: string): Promise<Account[]> {
  return await (path.endsWith(RECORDING_SUFFIX) ? readAccounts(path, 0) : [{ observer: '', windows: await captureWindows(path, 0) }])
}
