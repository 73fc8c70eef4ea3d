import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Bench } from '../bench.ts'

t.test('the loop keeps the flows that detectors tell of, and merges them each minute', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'autoshield-recording-'))
  t.teardown(async () => rm(dir, { recursive: true }))
  await using bench = await Bench.start(dir)
  const minute = Math.floor(bench.nowMs / 60_000)
  const use = { protocol: 6, port: 80, begun: 1, carried: 0, failed: 0, bytesSent: 4, bytesReceived: 5 }
  await bench.scores.tell({ type: 'flows', sightings: [{ minute, source: '10.0.0.1', destination: '10.0.0.2', witness: 'recording', pod: '', use }] })
  t.equal(bench.flows.records({ sinceMs: 0 }).length, 1)
  t.equal(bench.flows.kept().rows, 0)
  for (let beat = 0; beat < 60; beat++) await bench.beat(4_000)
  await bench.until(() => bench.flows.kept().rows === 1)
  t.match(bench.flows.records({ sinceMs: 0 }), [{ port: 80, begun: 1, source: { address: '10.0.0.1' } }])
})
