import t from 'tap'
import { strayOf } from '../../../src/controller/rollout/stray.ts'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import { ruleIdOf } from '../../../src/core/rollout/apply.ts'
import { TEMPLATE_ANNOTATION, templateHash } from '../../../src/core/rollout/basis.ts'
import { enforcingPods } from '../../../src/core/rollout/scope.ts'
import type { MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import { madePolicy } from '../../core/rollout/made-policy.ts'
import { sampleMitigation } from '../../adapters/store/samples.ts'
import { PODS } from '../bench.ts'

const uids = PODS.map(({ uid }) => uid)
const [canary = ''] = enforcingPods(uids, 1)
const control = uids.find((uid) => uid !== canary) ?? ''
const CANARY = { stage: 'canary', share: 1 } as const

const [TEMPLATE = { name: '' }] = madePolicy().spec.restrictions
const HASHES = madePolicy().spec.restrictions.map(templateHash)

function owned (mode: 'shadow' | 'enforce', victim: string, { policy = 'meshpolicy/careful', rule = ruleIdOf('careful', TEMPLATE), hash = HASHES[0] ?? '' } = {}): Mitigation {
  const sample = sampleMitigation('m')
  return { ...sample, metadata: { ...sample.metadata, annotations: { [TEMPLATE_ANNOTATION]: hash } }, spec: { ...sample.spec, mode, owner: { ...sample.spec.owner, policy, rule }, victims: [{ uid: victim, addresses: ['10.0.0.9'] }] } }
}

const rows: readonly [string, Partial<MeshPolicyStatus> | null, Mitigation, boolean][] = [
  ['a policy that is gone', null, owned('enforce', canary), true],
  ['one that observes, with what was in shadow', {}, owned('shadow', canary), true],
  ['a shadow beyond observing', { stage: 'shadow' }, owned('shadow', canary), false],
  ['what is enforced in shadow', { stage: 'shadow' }, owned('enforce', canary), true],
  ['what is enforced at a canary', CANARY, owned('enforce', canary), false],
  ['what is enforced at another pod', CANARY, owned('enforce', control), true],
  ['what a restriction made that is gone', { stage: 'shadow' }, owned('shadow', canary, { rule: 'meshpolicy/careful/old' }), true],
  ['what a restriction made before it changed', { stage: 'shadow' }, owned('shadow', canary, { hash: 'old' }), true],
  ['a victim that is gone', CANARY, owned('enforce', 'gone'), false],
  ['what a rule of the policy file owns', null, owned('enforce', canary, { policy: 'policy.yaml' }), false],
]
for (const [what, status, mitigation, stray] of rows) {
  t.test(`${what} is ${stray ? '' : 'no '}stray`, (t) => {
    t.equal(strayOf([mitigation], status === null ? [] : [madePolicy(status)], PODS, new Set(uids)).length, stray ? 1 : 0)
    t.end()
  })
}
