import t from 'tap'
import { AttackSigns } from '../../src/controller/attack-signs.ts'
import { annotationsOf } from '../../src/controller/mitigation-case.ts'
import { sampleMitigation } from '../adapters/store/samples.ts'
import { detectionOf } from '../core/plan/scene.ts'

t.test('only an attack of the same class and between the same ends keeps a restriction up', async (t) => {
  const scan = detectionOf()
  const sample = sampleMitigation('m')
  const mitigation = { ...sample, metadata: { ...sample.metadata, annotations: annotationsOf(0, scan) } }
  const nowMs = Date.parse(scan.lastSeen) + 1_000
  const table: [string, typeof scan, number | null][] = [
    ['the same', scan, Date.parse(scan.lastSeen)],
    ['another class', { ...scan, class: 'BRUTE_FORCE' }, null],
    ['another target', { ...scan, target: { address: '10.0.0.9' } }, null],
    ['everybody', { ...scan, target: null }, null],
  ]
  for (const [name, open, wanted] of table) {
    const signs = new AttackSigns({ open: () => [open], triedAt: () => null, ended: () => [] })
    t.equal(signs.look([mitigation], nowMs)(mitigation).openMs, wanted, name)
  }
})
