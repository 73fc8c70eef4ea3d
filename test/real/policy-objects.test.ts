import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { autoshield } from '../program.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesThreatPolicies } from '../../src/adapters/kubernetes/threat-policies.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { Bench } from '../controller/bench.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const SHIPPED = join(DEPLOY, 'policies/default.yaml')

t.setTimeout(480_000)

t.test('policy files become objects of a real API server, are followed, and come back', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  for (const file of await readdir(join(DEPLOY, 'chart/crds'))) await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(join(DEPLOY, 'chart/crds', file), 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/threatpolicies.autoshield.dev'])
  const namespace = await cluster.namespace()
  const policy = async (...args: string[]) => autoshield(['policy', ...args, '--autoshield-namespace', namespace, '--kubeconfig', cluster.kubeconfig])
  const folder = t.testdir({})
  const edited = join(folder, 'edited.yaml')

  t.match(await policy('apply', SHIPPED, '--name', 'shipped', '--dry-run'), { status: 0, stdout: /5 of 5 rules differ \(a dry run/ })
  t.match(await policy('export', 'shipped'), { status: 65, stderr: /no ThreatPolicy/ })
  t.match(await policy('apply', SHIPPED, '--name', 'shipped'), { status: 0, stdout: /^threatpolicy\/shipped: 5 of 5 rules differ\n {2}added threatpolicy\/shipped\/port-scan\n/ })
  t.match(await policy('apply', SHIPPED, '--name', 'shipped'), { status: 0, stdout: /no rule differs/ })

  const exported = await policy('export', 'shipped')
  await writeFile(edited, exported.stdout)
  t.match(await autoshield(['policy', 'validate', edited]), { status: 0, stdout: /good, 5 rules/ })
  const { rules } = parse(exported.stdout) as { rules: { id: string, severity: string }[] }
  await writeFile(edited, stringify({ rules: rules.slice(1).map((rule) => rule.id === 'brute-force' ? { ...rule, severity: 'low' } : rule) }))
  t.match((await policy('apply', edited, '--name', 'shipped')).stdout, /2 of 5 rules differ\n {2}changed threatpolicy\/shipped\/brute-force\n {2}removed threatpolicy\/shipped\/port-scan/)
  t.equal((parse((await policy('export')).stdout) as { rules: unknown[] }).rules.length, 4, 'what is not asked for any more is gone')

  // The loop of this test knows fewer classes than the shipped model.
  await writeFile(edited, stringify({ rules: [{ id: 'scans', attack_class: 'PORT_SCAN', actions: [{ action_type: 'alert_only' }] }] }))
  t.match(await policy('apply', edited, '--name', 'shipped'), { status: 0 })
  const mirror = new KubernetesThreatPolicies(api, { namespace })
  const stopping = new AbortController()
  const running = mirror.run(stopping.signal)
  await mirror.synced
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  {
    await using bench = await Bench.start(t.testdir({ store: {} }), { policy: 'rules: []', wrap: () => ({ threatPolicies: mirror }) })
    await until('the status', () => mirror.list()[0]?.status?.rules === 1 || undefined)
    t.equal(bench.controller.policy().rules.length, 1)
    t.match(await cluster.kubectl(['-n', namespace, 'get', 'threatpolicies']), /^shipped +1 +True +Understood/m)
    await cluster.kubectl(['-n', namespace, 'patch', 'threatpolicy', 'shipped', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/spec/rules/0/cel', value: 'features.bytes_snt > 5' }])])
    await until('that it is not understood', () => mirror.list()[0]?.status?.conditions[0]?.status === 'False' || undefined)
    t.match(await cluster.kubectl(['-n', namespace, 'get', 'threatpolicy', 'shipped', '-o', 'jsonpath={.status.problems[0]} {.status.conditions[1].reason}']), /^spec\.rules\[0\]\.cel: "features\.bytes_snt" is not a known fact\. Write "features\.bytes_sent"\. EarlierRules$/)
    t.equal(bench.controller.policy().rules.length, 1, 'the earlier rules stay in force')
    await cluster.kubectl(['-n', namespace, 'patch', 'threatpolicy', 'shipped', '--type=json', '-p', JSON.stringify([{ op: 'remove', path: '/spec/rules/0/cel' }])])
    await until('the mend in force', () => mirror.list()[0]?.status?.conditions[0]?.status === 'True' || undefined)
    await cluster.kubectl(['-n', namespace, 'delete', 'threatpolicy', 'shipped'])
    await until('that its rules are gone', () => bench.controller.policy().rules.length === 0 || undefined)
  }
})
