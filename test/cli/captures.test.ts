import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import t from 'tap'
import { Check } from 'typebox/value'
import { Detection } from '../../src/core/verdict/detection.ts'
import { FEATURES } from '../../src/core/window/window.ts'
import { autoshield } from '../program.ts'

const captures = join(import.meta.dirname, '../fixtures/captures')
const fixture = (name: string): string => join(captures, `${name}.pcap.zst`)

async function workFolder (t: { teardown: (end: () => Promise<void>) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-cli-'))
  t.teardown(async () => rm(folder, { recursive: true }))
  return folder
}

const lines = (text: string): unknown[] => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)

t.test('detect finds an attack in a capture, says so in one object a line, and exits with 79', async (t) => {
  const { status, stdout, stderr } = await autoshield(['detect', fixture('port-scan-9004'), '-o', 'json'])
  t.equal(status, 79, stderr)
  const detections = lines(stdout)
  for (const detection of detections) t.ok(Check(Detection, detection), stdout)
  t.ok(detections.some((detection) => Check(Detection, detection) && detection.class === 'PORT_SCAN' && detection.delaySeconds !== null && detection.delaySeconds >= 0))
})

t.test('detect exits with 0 where it finds nothing', async (t) => {
  const folder = await workFolder(t)
  const quiet = join(folder, 'quiet.pcap')
  await writeFile(quiet, zstdDecompressSync(await readFile(fixture('benign-9001'))).subarray(0, 24)) // a header and no packet
  const { status, stdout } = await autoshield(['detect', quiet])
  t.equal(status, 0)
  t.match(stdout, /nothing found/)
})

t.test('features prints a line for each window, with the twelve features by name', async (t) => {
  const { status, stdout } = await autoshield(['features', fixture('port-scan-9005'), '-o', 'json'])
  t.equal(status, 0)
  const windows = lines(stdout) as { features: Record<string, number>, stepMs: number, kind: string }[]
  t.ok(windows.length > 10)
  for (const window of windows) t.same(Object.keys(window.features), [...FEATURES])
  t.same([...new Set(windows.map(({ stepMs }) => stepMs))].sort((a, b) => a - b), [500, 15_000, 60_000])
  t.same([...new Set(windows.map(({ kind }) => kind))].sort(), ['fan-in', 'fan-out', 'pair'])
})

t.test('a capture that cannot be used is named with what is wrong and how to mend it', async (t) => {
  const folder = await workFolder(t)
  const whole = zstdDecompressSync(await readFile(fixture('port-scan-9005')))
  const write = async (name: string, bytes: Buffer): Promise<string> => {
    await writeFile(join(folder, name), bytes)
    return join(folder, name)
  }
  for (const [what, path] of [
    ['a missing file', join(folder, 'none.pcap')],
    ['an empty file', await write('empty.pcap', Buffer.alloc(0))],
    ['random bytes', await write('random.pcap', Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 7919 + 13) % 251)))],
    ['a text file', await write('notes.txt', Buffer.from('#fields\tts\tuid\n1\t2\n'))],
    ['a folder', folder],
  ] as const) {
    const { status, stderr } = await autoshield(['detect', path])
    t.equal(status, 65, `${what}: ${stderr}`)
    t.match(stderr, path, what)
    t.notMatch(stderr, /at .*\.ts:\d+/, `${what}: no stack trace`)
  }

  const cut = await autoshield(['features', await write('cut.pcap', whole.subarray(0, whole.length - 7)), '-o', 'json'])
  t.equal(cut.status, 0, 'what came before a cut is used')
  t.ok(lines(cut.stdout).length > 10)
  t.match(cut.stderr, /cut\.pcap.*packets before were used/)
})
