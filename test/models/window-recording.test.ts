import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { STEPS_MS, keyId, type Window } from '../../src/core/window/window.ts'
import { captureWindows } from '../../models/training/capture-windows.ts'
import { SHIFTS_MS, accountsOf, readAccounts, readRecording, recordAccounts, recordWindows } from '../../models/training/window-recording.ts'

const CAPTURE = join(import.meta.dirname, '../fixtures/captures/brute-force-9011.pcap.zst')

/** What a tensor takes of a window, by key and time; features as 32-bit floats, which is what a tensor holds. */
const plain = (windows: readonly Window[]) => Object.fromEntries(windows.map(({ key, stepMs, number, features, counters, ports, uses, portSketch, peerSketch, quality }) =>
  [`${keyId(key)} ${stepMs} ${number}`, { features: [...new Float32Array(features)], counters: [...counters], ports, uses, sketches: [portSketch, peerSketch].map((sketch) => Buffer.from(sketch).toString('hex')), quality }]))

t.test('a recording gives back a capture\'s windows, in the order in which they closed', async (t) => {
  const path = join(t.testdir(), 'run.windows.zst')
  const { bytes, windows } = await recordWindows(CAPTURE)
  writeFileSync(path, bytes)
  let rows = 0
  for (const shiftMs of SHIFTS_MS) {
    const read = await readRecording(path, shiftMs)
    const wanted = (await captureWindows(CAPTURE, shiftMs)).filter(({ stepMs }) => shiftMs === 0 || stepMs !== STEPS_MS[0])
    t.same(plain(read), plain(wanted), `${shiftMs} ms later`)
    const ends = read.map(({ number, stepMs }) => (number + 1) * stepMs)
    t.same(ends, [...ends].sort((one, other) => one - other))
    rows += read.length
  }
  t.equal(windows, rows)
  t.ok(bytes.length / windows < 25, `${bytes.length / windows} bytes a window: 8 hours are to stay below 40 MB`)
})

t.test('a reading that was not recorded, and a file of something else, are refused with the mend', async (t) => {
  const path = join(t.testdir(), 'run.windows.zst')
  const { bytes } = await recordWindows(CAPTURE)
  writeFileSync(path, bytes)
  await t.rejects(readRecording(path, 1), { code: 'BAD_DATA', message: /no reading of a clock 1 ms later; it has: 0, 20170, 40330/ })
  for (const broken of [bytes.subarray(0, bytes.length / 2), Buffer.from('no recording')]) {
    writeFileSync(path, broken)
    await t.rejects(readRecording(path, 0), { code: 'BAD_DATA', message: /run\.windows\.zst is no recording of windows, or is cut off .*make the run again/ })
  }
})

t.test('a recording of several observers keeps each one\'s account apart, and is nothing to train on', async (t) => {
  const path = join(t.testdir(), 'run.windows.zst')
  const windows = (await captureWindows(CAPTURE)).slice(0, 40)
  writeFileSync(path, (await recordAccounts([{ observer: 'web', windows }, { observer: 'shop', windows: windows.slice(0, 3) }])).bytes)
  const accounts = await readAccounts(path, 0)
  t.same(accounts.map(({ observer, windows: told }) => [observer, told.length]), [['web', 40], ['shop', 3]])
  t.same(plain(accounts[0]?.windows ?? []), plain(windows))
  await t.rejects(readRecording(path, 0), { code: 'BAD_DATA', message: /the accounts of 2 observers/ })
  t.same((await accountsOf(CAPTURE)).map(({ observer }) => observer), [''], 'a capture is somebody\'s who saw all')
})
