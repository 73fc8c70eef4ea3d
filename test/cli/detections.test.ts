import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../src/adapters/store/object-store.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { markOf } from '../../src/core/feedback/mark-detection.ts'
import { sampleDecision, sampleDetection } from '../adapters/store/samples.ts'
import { autoshield } from '../program.ts'

const SAID = { verdict: 'false-alarm', reason: 'a backup', by: 'ann', at: '2026-01-01T00:00:00.000Z', exception: null } as const

t.test('marked windows are exported with their labels, a line each, and those that were not kept are counted', async (t) => {
  const data = join(t.testdir({}), 'data')
  const store = openStore(data)
  const sample = sampleDetection('d1')
  const explanation = { ...sample.explanation, tensor: Array.from({ length: 20 }, () => Array<number>(12).fill(1)), context: Array<number>(CONTEXT_COLUMNS.length).fill(0) }
  await store.marks.put('d1', markOf({ ...sample, explanation }, SAID))
  await store.marks.put('d2', markOf(sampleDetection('d2'), { ...SAID, verdict: 'confirmed' }))
  await store[Symbol.asyncDispose]()
  const { stdout, stderr, status } = await autoshield(['detections', 'export', '--marked', '--data', data])
  t.equal(status, 0, stderr)
  t.match(stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown), [{ kind: 'LabelledWindow', label: 'BENIGN', mark: { detection: 'd1', reason: 'a backup', window: { kind: sample.kind } } }])
  t.match(stderr, /1 windows of 2 marks/)
  t.equal((await autoshield(['detections', 'export', '--data', data])).status, 64)
})

t.test('show is what explain is: the account of one detection with its evidence and what was decided', async (t) => {
  const data = join(t.testdir({}), 'data')
  const store = openStore(data)
  const { explanation } = sampleDetection('d1')
  await store.detections.put('d1', sampleDetection('d1', { explanation: { ...explanation, model: 1.25, named: [{ kind: 'breadth', nats: 3, sentence: '10.0.0.7 tried 214 ports' }] } }))
  await store.decisions.put('x', sampleDecision('x'))
  await store[Symbol.asyncDispose]()
  const shown = await autoshield(['detections', 'show', 'd', '--data', data])
  t.match(shown, { status: 0, stdout: /PORT_SCAN 10\.0\.0\.7[^]*the model +\+1\.25[^]*breadth +\+3\.00 +10\.0\.0\.7 tried 214 ports/ })
  t.same(shown, await autoshield(['explain', 'd', '--data', data]))
  t.match(await autoshield(['detections', 'show', 'none', '--data', data]), { status: 65, stderr: /there is no detection 'none' .*autoshield detections list/ })
})

t.test('marking asks the API, with the end of the exception as a time, and precision is a table', async (t) => {
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => asked.push(request.method, request.url, JSON.parse(text)))
    request.on('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(request.method === 'PUT'
      ? markOf(sampleDetection('d1'), { ...SAID, exception: 'mark-d1' })
      : [{ class: 'PORT_SCAN', namespace: null, confirmed: 3, falseAlarms: 1, precision: 0.75, low: 0.3006, high: 0.9544 }])))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const marked = await autoshield(['detections', 'mark', 'd1', 'false-alarm', '--reason', 'a backup', '--except', '2030-01-01T00:00:00Z', '--api', api])
  t.match(marked, { status: 0, stdout: /PORT_SCAN d1: false-alarm; exception mark-d1 holds until 2030-01-01T00:00:00\.000Z/ })
  t.match(asked, ['PUT', '/api/v1/detections/d1/mark', { verdict: 'false-alarm', reason: 'a backup', exceptUntil: '2030-01-01T00:00:00.000Z' }])
  t.match((await autoshield(['detections', 'precision', '--api', api])).stdout, /^PORT_SCAN +- +3 +1 +75 % +30 % to 95 %$/m)
  t.match(await autoshield(['detections', 'mark', 'd1', 'perhaps', '--reason', 'x', '--api', api]), { status: 64, stderr: /false-alarm, confirmed/ })
  t.match(await autoshield(['detections', 'mark', 'd1', 'false-alarm', '--reason', 'x', '--except', 'soon', '--api', api]), { status: 64, stderr: /--except soon is no time/ })
})
