import t from 'tap'
import { attemptsSeen } from '../../src/controller/attempts-seen.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { sampleMitigation } from '../adapters/store/samples.ts'

/** A window of the sample's subject to its victim, of five flows of which two failed. */
function score (ports: readonly number[], { received = 10, destination = '10.0.0.9' } = {}): Score {
  const made = madeScore({}, {
    key: { kind: 'pair', source: '10.0.0.7', destination },
    stepMs: 15_000,
    endMs: 75_000,
    features: { flow_count: 5, bytes_received: received, failed_conn_ratio: 0.4 },
  })
  return { ...made, window: { ...made.window, ports: ports.map((port) => ({ port, packets: 1 })) } }
}

const of22 = (): Mitigation => {
  const mitigation = sampleMitigation('m')
  return { ...mitigation, spec: { ...mitigation.spec, ports: [22] } }
}

t.test('a denial is judged by what its subject tried at its victims, and named', async (t) => {
  t.strictSame(attemptsSeen(sampleMitigation('m'), score([22, 80])), { flow: '10.0.0.7 to 10.0.0.9 on port 22, 80', attempts: 5, through: 3, sinceMs: 60_000 })
  t.match(attemptsSeen(sampleMitigation('m'), score([22], { received: 0 })), { attempts: 5, through: 0 })
  t.equal(attemptsSeen(sampleMitigation('m'), score([22], { destination: '10.0.0.10' })), null)
})

t.test('what goes to a Service before its victims goes to them', async (t) => {
  const mitigation = sampleMitigation('m')
  const through = { ...mitigation, spec: { ...mitigation.spec, services: ['10.96.0.2'] } }
  t.match(attemptsSeen(through, score([22], { received: 0, destination: '10.96.0.2' })), { flow: '10.0.0.7 to 10.96.0.2 on port 22', attempts: 5, through: 0 })
  t.equal(attemptsSeen(mitigation, score([22], { destination: '10.96.0.2' })), null)
})

t.test('traffic at a port that a denial leaves open does not count as getting through', async (t) => {
  t.match(attemptsSeen(of22(), score([22])), { through: 3 })
  t.equal(attemptsSeen(of22(), score([22, 80])), null, 'it cannot be told from it')
  t.equal(attemptsSeen(of22(), score([80])), null)
})
