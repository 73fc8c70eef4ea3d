import t from 'tap'
import { PodContext } from '../../../src/controller/admissions/context.ts'
import { withAdmission } from '../../../src/controller/admissions/remarks.ts'
import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import { guessing } from '../../console/scenes.ts'
import { made, marked } from '../../webhook/shipping/made-entry.ts'

const AT = Date.parse('2026-03-01T12:00:00Z')
const at = (seconds: number): string => new Date(AT + seconds * 1000).toISOString()
const POD = { uid: 'u1', namespace: 'shop', name: 'web-6b8f9c-x2x4z' }

function contextWith (...entries: AdmissionEntry[]): PodContext {
  const context = new PodContext()
  for (const entry of entries) context.remember(entry)
  return context
}

t.test('what concerns a pod is found: itself, what made it, and its namespace', async (t) => {
  for (const [what, given, concerns] of [
    ['the pod by its uid', { uid: 'u1', name: 'other' }, true],
    ['a pod of its name in an earlier life', { uid: 'u0', name: POD.name }, false],
    ['the pod by its name, where no uid is known (exec)', { resource: '/v1/pods/exec', operation: 'CONNECT', name: POD.name }, true],
    ['another pod', { name: 'web-6b8f9c-aaaaa' }, false],
    ['its Deployment', { resource: 'apps/v1/deployments', name: 'web' }, true],
    ['its ReplicaSet', { resource: 'apps/v1/replicasets', name: 'web-6b8f9c' }, true],
    ['a Deployment whose name only begins the same', { resource: 'apps/v1/deployments', name: 'we' }, false],
    ['a DaemonSet of the Deployment\'s name', { resource: 'apps/v1/daemonsets', name: 'web' }, false],
    ['its namespace', { resource: '/v1/namespaces', namespace: 'shop', name: 'shop' }, true],
    ['a NetworkPolicy beside it', { resource: 'networking.k8s.io/v1/networkpolicies', name: 'deny' }, true],
    ['a role beside it', { resource: 'rbac.authorization.k8s.io/v1/roles', name: 'web' }, false],
    ['another namespace', { resource: '/v1/namespaces', namespace: 'pay', name: 'pay' }, false],
    ['a pod of its name elsewhere', { namespace: 'pay', name: POD.name }, false],
  ] as const) {
    t.equal(contextWith(marked('r', at(-40), given)).contextOf(POD, AT).length, concerns ? 1 : 0, what)
  }
  t.same(contextWith(made('r', at(-40), { uid: 'u1' })).contextOf(POD, AT), [], 'an entry without a finding says nothing')
})

t.test('what happened is told with who, when and how grave, from an hour before on', async (t) => {
  const context = contextWith(marked('late', at(30), { uid: 'u1' }), marked('old', at(-3601), { uid: 'u1' }), marked('near', at(-40), { uid: 'u1', user: 'eve' }))
  t.same(context.contextOf(POD, AT), [
    { at: at(-40), actor: 'eve', text: 'pods/web: spec.hostPID is true', severity: 'high' },
    { at: at(30), actor: 'anna', text: 'pods/web: spec.hostPID is true', severity: 'high' },
  ])
})

t.test('a flood of mild findings cannot hide a grave one', async (t) => {
  const context = contextWith(marked('grave', at(-600), { uid: 'u1' }))
  for (let n = 0; n < 2_000; n++) context.remember(made(`r${n}`, at(-500), { resource: '/v1/pods/portforward', name: POD.name, findings: [{ code: 'PodPortForward', severity: 'low', message: 'a tunnel' }] }))
  const shown = context.contextOf(POD, AT)
  t.equal(shown.length, 10)
  t.equal(shown[0]?.severity, 'high')
})

t.test('a detection shows it, keeps what is forgotten meanwhile, and a replay shows nothing', async (t) => {
  const detection = guessing(AT)
  const context = contextWith(marked('r', at(-60), { resource: '/v1/namespaces', namespace: 'shop', name: 'shop' }))
  const told = withAdmission(detection, null, context)
  t.match(told.admission, [{ end: 'target', at: at(-60), actor: 'anna', severity: 'high' }])
  t.same(withAdmission(detection, told, context).admission, told.admission, 'once')
  t.same(withAdmission(detection, told, new PodContext()).admission, told.admission, 'also when it is forgotten')
  t.equal(withAdmission({ ...detection, simulated: true }, null, context).admission, undefined)
  t.equal(withAdmission(detection, null, new PodContext()), detection)
})
