import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { join } from 'node:path'
import t from 'tap'
import { CLASSES } from '../../src/core/classes.ts'
import { addMarked } from '../../models/training/marked-run.ts'
import { DatasetWriter } from '../../models/training/dataset-writer.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { labelledWindow } from '../../src/core/feedback/labelled-window.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0, type Made } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

const scan = (made: Made = {}): Score => ({ ...madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER, features: { unique_ports: 214 }, ...made }), context: Float32Array.from(CONTEXT_COLUMNS, (name) => name === 'distinct_ports' ? 214 : 0.5) })
const UNTIL = new Date(T0 + 86_400_000).toISOString()

async function detected (bench: Bench): Promise<Detection> {
  await bench.scores.push(scan())
  const [detection] = bench.store.detections.list()
  if (detection === undefined) throw new Error('nothing was detected')
  return detection
}

t.test('what a person says of a detection is in the trail, beside it, and counted, also after a restart', async (t) => {
  const dir = t.testdir()
  let id = ''
  {
    await using bench = await Bench.start(dir)
    id = (await detected(bench)).id
    const { feedback } = bench.controller
    await feedback.mark(id, { verdict: 'confirmed', reason: 'the pen-test', exceptUntil: null }, 'console:ann')
    t.match(bench.audit.search({ action: 'detection.marked' }), [{ actor: 'console:ann', object: `detection/${id}`, reason: 'MarkedConfirmed', detail: { class: 'PORT_SCAN', why: 'the pen-test', before: null } }])
    await feedback.mark(id, { verdict: 'false-alarm', reason: 'it was the backup', exceptUntil: null }, 'console:bob')
    t.match(feedback.marks(), [{ detection: id, verdict: 'false-alarm', by: 'console:bob', class: 'PORT_SCAN', namespace: 'shop', exception: null }])
    t.match(bench.audit.search({ action: 'detection.marked' })[0], { reason: 'MarkedFalseAlarm', detail: { before: 'confirmed' } })
    t.equal(bench.metrics.counted.at(-1), 'marked 0:1', 'what is said again takes the place of what was said')
  }
  await using bench = await Bench.start(dir)
  t.match(bench.controller.feedback.precision(), [{ class: 'PORT_SCAN', namespace: 'shop', confirmed: 0, falseAlarms: 1, precision: 0 }])
  t.ok(bench.metrics.counted.includes('marked 0:1'))
  await t.rejects(bench.controller.feedback.mark('none', { verdict: 'confirmed', reason: 'x', exceptUntil: null }, 'ann'), { code: 'NOT_FOUND' })
})

t.test('a false alarm can be made an exception that ends by itself, and what it restricts ends', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const { id } = await detected(bench)
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'active' } }])
  await t.rejects(bench.controller.feedback.mark(id, { verdict: 'confirmed', reason: 'x', exceptUntil: UNTIL }, 'ann'), { code: 'BAD_DATA' })
  const mark = await bench.controller.feedback.mark(id, { verdict: 'false-alarm', reason: 'it was the backup', exceptUntil: UNTIL }, 'ann')
  t.equal(mark.exception, `mark-${id}`)
  t.match(bench.controller.exceptions.list(), [{ metadata: { name: `mark-${id}` }, spec: { source: { namespace: 'shop', name: 'web-7' }, target: { namespace: 'shop', name: 'db-0' }, classes: ['PORT_SCAN'], until: UNTIL, by: 'ann' } }])
  t.notMatch(bench.store.mitigations.list(), [{ status: { phase: 'active' } }])
  await t.rejects(bench.controller.feedback.mark(id, { verdict: 'false-alarm', reason: 'x', exceptUntil: UNTIL }, 'ann'), { code: 'CONFLICT' }, 'it holds already')
})

t.test('the window that opened it becomes a row of the next training set, with the label that the person gave', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const { id } = await detected(bench)
  const folder = t.testdir({})
  for (const [verdict, label, attacks] of [['false-alarm', 0, []], ['confirmed', 2, [{ class: 'PORT_SCAN' }]]] as const) {
    const mark = await bench.controller.feedback.mark(id, { verdict, reason: 'x', exceptUntil: null }, 'ann')
    const file = join(folder, 'marked.jsonl')
    await writeFile(file, `${JSON.stringify(labelledWindow(mark))}\n`)
    const writer = new DatasetWriter(CLASSES)
    t.equal(await addMarked(writer, file), 1)
    await writer.write(folder)
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as { count: number, runs: unknown[] }
    t.match(index, { count: 1, runs: [{ name: `marked-${id}`, attacks }] })
    const table = gunzipSync(await readFile(join(folder, 'samples.i32.gz')))
    t.equal(table[1], label, 'the lowest byte of the second column')
    const tensors = gunzipSync(await readFile(join(folder, 'tensors.f32.gz')))
    const last = 19 * 12 + 11
    t.equal(Buffer.from([0, 1, 2, 3].map((plane) => tensors[plane * 240 + last] ?? 0)).readFloatLE(), 214)
  }
})

t.test('a detection that kept no window is marked all the same, and is no label', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const detection = await detected(bench)
  const { context: _, ...explanation } = detection.explanation
  await bench.store.detections.put('old', { ...detection, id: 'old', explanation })
  const mark = await bench.controller.feedback.mark('old', { verdict: 'confirmed', reason: 'x', exceptUntil: null }, 'ann')
  t.equal(mark.window, null)
  t.equal(labelledWindow(mark), null)
})
