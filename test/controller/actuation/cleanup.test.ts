import t from 'tap'
import { cleanUp, type LeftOver } from '../../../src/controller/actuation/cleanup.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { POD_LABEL } from '../../../src/core/plan/pod-mark.ts'
import { INSTALLATION_LABEL, MITIGATION_LABEL } from '../../../src/core/plan/objects.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')

/** A pod that labels were taken from, and the policy that isolates it. */
function isolated (api: FakeKubernetes, name: string, mitigation: string, installation = 'guard'): void {
  const released = { installation, labels: { app: name }, workload: null }
  api.seed(RESOURCES.pods, { metadata: { namespace: 'shop', name, labels: { [POD_LABEL]: `uid-of-${name}` }, annotations: { 'autoshield.dev/released-labels': JSON.stringify(released) } } })
  api.seed(RESOURCES.networkPolicies, { metadata: { namespace: 'shop', name: `isolation-${name}`, labels: { [INSTALLATION_LABEL]: installation }, annotations: { [MITIGATION_LABEL]: mitigation } }, spec: { podSelector: { matchLabels: { [POD_LABEL]: `uid-of-${name}` } } } })
}

t.test('labels that a controller which is gone took from pods come back before its policies go; those of a mitigation in force stay away', async (t) => {
  const api = new FakeKubernetes()
  api.seed(RESOURCES.mitigations, { metadata: { namespace: 'guard', name: 'm-2' }, spec: { expiresAt: '2026-06-01T13:00:00Z' }, status: { phase: 'active' } })
  isolated(api, 'web', 'm-1')
  isolated(api, 'db', 'm-2')
  isolated(api, 'far', 'm-3', 'other')
  const run = async (remove: boolean): Promise<LeftOver[]> => {
    const found: LeftOver[] = []
    for await (const each of cleanUp(api, { ownNamespace: 'guard', remove, nowMs: NOW_MS })) found.push(each)
    return found
  }
  const appOf = async (name: string): Promise<unknown> => (await api.get(RESOURCES.pods, name, 'shop'))?.metadata.labels?.['app']
  t.match(await run(false), [{ kind: 'Pod', name: 'web', outcome: 'found' }, { kind: 'NetworkPolicy', name: 'isolation-web', outcome: 'found' }])
  t.equal(await appOf('web'), undefined, 'looking changes nothing')
  t.match((await run(true)).map(({ kind, name, outcome }) => `${kind} ${name} ${outcome}`), ['Pod web removed', 'NetworkPolicy isolation-web removed'])
  t.strictSame(await Promise.all(['web', 'db', 'far'].map(appOf)), ['web', undefined, undefined])
  t.strictSame(await run(true), [], 'done again, it finds nothing')
})
