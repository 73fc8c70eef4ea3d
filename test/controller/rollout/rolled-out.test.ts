import t from 'tap'
import { ANNOTATIONS } from '../../../src/controller/mitigation-case.ts'
import { rolledOutNow } from '../../../src/controller/rollout/rolled-out.ts'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import { enforcingPods } from '../../../src/core/rollout/scope.ts'
import { sampleMitigation } from '../../adapters/store/samples.ts'
import { madePolicy } from '../../core/rollout/made-policy.ts'
import { PODS } from '../bench.ts'

const uids = PODS.map(({ uid }) => uid)
const [canary = ''] = enforcingPods(uids, 1)
const others = uids.filter((uid) => uid !== canary)

function made (part: 'enforce' | 'rehearse', policy = 'meshpolicy/careful'): Mitigation {
  const sample = sampleMitigation('m')
  return { ...sample, metadata: { ...sample.metadata, annotations: { [ANNOTATIONS.action]: part === 'enforce' ? '0' : '1' } }, spec: { ...sample.spec, owner: { ...sample.spec.owner, policy } } }
}

const CANARY = { stage: 'canary', share: 1 } as const
const rows: readonly [string, Partial<MeshPolicyStatus> | null, Mitigation, readonly string[], readonly string[] | null][] = [
  ['what enforces at a canary', CANARY, made('enforce'), uids, [canary]],
  ['what is rehearsed beside a canary', CANARY, made('rehearse'), uids, others],
  ['what enforces everywhere', { stage: 'enforce', share: 100 }, made('enforce'), uids, uids],
  ['pods without a proxy', { stage: 'enforce', share: 100 }, made('enforce'), [], []],
  ['a policy that is gone', null, made('enforce'), uids, []],
  ['a rule of the policy file', CANARY, made('enforce', 'policy.yaml'), uids, null],
]
for (const [what, status, mitigation, proxied, wanted] of rows) {
  t.test(`${what}: ${wanted === null ? 'no rollout bounds it' : `it may restrict in front of ${wanted.length} pods`}`, async (t) => {
    const places = rolledOutNow(status === null ? [] : [madePolicy(status)], PODS, () => new Set(proxied))(mitigation)
    t.strictSame(places === null ? null : new Set(places), wanted === null ? null : new Set(wanted))
  })
}

t.test('each policy is looked at once in one look at the pods', async (t) => {
  let looked = 0
  const rolledOut = rolledOutNow([madePolicy(CANARY)], PODS, () => {
    looked++
    return new Set(uids)
  })
  for (let each = 0; each < 5; each++) rolledOut(made('enforce'))
  t.equal(looked, 1)
})
