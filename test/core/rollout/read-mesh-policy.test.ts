import t from 'tap'
import { readMeshPolicySpec } from '../../../src/core/rollout/read-mesh-policy.ts'

const DENY = { name: 'scans', class: 'PORT_SCAN', action: 'deny' }
const LIMIT = { value: 10, unit: 'connections/s', burst: 10 }

t.test('what is left out is filled in, and what was given is not changed', (t) => {
  const given = { restrictions: [DENY] }
  t.match(readMeshPolicySpec(given), {
    ok: true,
    spec: { scope: { namespaces: [], labels: {} }, target: 'enforce', paused: false, canaryShares: [10, 50], gates: { minAttempts: 1000, minTried: 10 }, restrictions: [{ confidence: 0.9, direction: 'ingress', ttlSeconds: 600 }] },
  })
  t.strictSame(given, { restrictions: [DENY] })
  t.end()
})

const wrong: readonly [string, unknown, RegExp][] = [
  ['no object', null, /spec/],
  ['no restriction', { restrictions: [] }, /spec\.restrictions/],
  ['a field that nobody knows', { restrictions: [DENY], stage: 'enforce' }, /additional/],
  ['a share of nothing', { restrictions: [DENY], canaryShares: [0] }, /spec\.canaryShares\.0/],
  ['a target that is none', { restrictions: [DENY], target: 'all' }, /spec\.target/],
  ['a limit that lacks its measure', { restrictions: [{ ...DENY, action: 'limit' }] }, /add limit/],
  ['a denial with a measure', { restrictions: [{ ...DENY, limit: LIMIT }] }, /take it out/],
  ['a name that is there twice', { restrictions: [DENY, DENY] }, /restrictions\.1\.name/],
]
for (const [what, spec, message] of wrong) {
  t.test(`${what} is refused, with its place`, (t) => {
    const read = readMeshPolicySpec(spec)
    t.match(read.ok ? '' : read.problems.join('\n'), message)
    t.end()
  })
}
