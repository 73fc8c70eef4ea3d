import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { sampleMitigation } from '../adapters/store/samples.ts'
import { followMitigations } from '../kubernetes/follow-mitigations.ts'
import { OWN_NAMESPACE } from '../real/installed.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { Stage } from './case-stage.ts'

t.setTimeout(600_000)

const RUNNING = 50
const TRIED_MS = 500
/** Cilium's agent, on a machine that does other things as well. */
const OPEN_WITHIN_MS = 60_000
/** Of the ways that are still shut. */
const TOLD = 8
const NAMES = ['attacker', 'victim', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']

t.test('fifty running mitigations are undone by one command, and by a ConfigMap where the API is away', { skip: withoutCluster('enforcing') }, async (t) => {
  const isObserved = (name: string): boolean => ['attacker', 'victim', 'p2', 'p3'].includes(name)
  const stage = await Stage.set(t, await testCluster(t, { needs: 'enforcing' }), NAMES.map((name, at) => ({ name, node: `node-${1 + at % 2}`, labels: { app: name, ...!isObserved(name) && { 'autoshield.dev/inject': 'false' } } })))
  const { guarded, namespace, cluster: { kubectl, kubeconfig } } = stage
  const { installed } = guarded
  const [attacker, victim] = [stage.addressOf('attacker'), stage.addressOf('victim')]
  const api = openKubernetes({ kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const denials = async (): Promise<number> => (await api.list(RESOURCES.ciliumNetworkPolicies, { labelSelector: 'app.kubernetes.io/managed-by=autoshield' })).length
  const panic = async (...args: string[]): Promise<string> => kubectl(['-n', OWN_NAMESPACE, 'exec', 'deploy/autoshield-controller', '--', 'autoshield', 'panic', ...args])
  const scan = async (): Promise<void> => stage.scan(attacker, victim)
  /** Each by a pod of its own: what a person has undone is not done again while its detection goes on. */
  const mitigated = async (from = 'attacker'): Promise<string> => {
    const { metadata: { name } } = await until(`the scan by ${from} is answered`, async () => {
      await stage.scan(stage.addressOf(from), victim)
      return (await guarded.mitigations()).find(({ spec: { subject }, status }) => status.phase === 'active' && subject !== 'anySource' && subject.uid === stage.uidOf(from))
    }, 90_000)
    await stage.becomes('cut', stage.addressOf(from), victim)
    return name
  }
  const phaseOf = async (name: string): Promise<string> => kubectl(['-n', OWN_NAMESPACE, 'get', 'mitigation', name, '-o', 'jsonpath={.status.phase}'])

  await t.test('panic --undo, while fifty are in force', async (t) => {
    const pairs = NAMES.flatMap((from) => NAMES.filter((to) => to !== from).map((to) => [from, to] as const)).slice(0, RUNNING)
    const ways = pairs.map(([from, to]) => [stage.addressOf(from), stage.addressOf(to)] as const)
    const mitigations = await followMitigations(t, api, OWN_NAMESPACE)
    const nowMs = Date.now()
    await Promise.all(pairs.map(async ([from, to], at) => {
      const sample = sampleMitigation(`m-${at}`)
      const pod = (name: string) => ({ uid: stage.uidOf(name), addresses: [stage.addressOf(name)], namespace, name })
      await mitigations.put(`m-${at}`, {
        ...sample,
        metadata: { ...sample.metadata, creationTimestamp: new Date(nowMs).toISOString() },
        spec: { ...sample.spec, subject: pod(from), victims: [pod(to)], direction: 'egress', policies: ['egress-deny'], expiresAt: new Date(nowMs + 3_600_000).toISOString() },
        status: { ...sample.status, phase: 'active', simulated: false, targets: [] },
      })
    }))
    // A controller that starts takes up what the cluster says is in force.
    await kubectl(['-n', OWN_NAMESPACE, 'delete', 'pod', '-l', 'app.kubernetes.io/component=controller', '--wait=true'])
    await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'status', 'deployment/autoshield-controller', '--timeout=120s'])
    guarded.reconnect()
    await until('each has its policy', async () => await denials() === RUNNING || undefined, 60_000)
    await until('all fifty ways are cut', async () => (await stage.shut(ways, TRIED_MS)).length === RUNNING || undefined, 90_000)

    const removed = until('no policy of ours is left', async () => await denials() === 0 ? Date.now() : undefined, 60_000)
    const seen: string[] = []
    const opened = until(() => `all fifty ways are open: ${seen.join('; ')}`, async () => {
      const shut = await stage.shut(ways, TRIED_MS)
      seen.push(`${new Date().toISOString()} ${shut.length} shut: ${shut.slice(0, TOLD).map((ends) => ends.map((address) => NAMES.find((name) => stage.addressOf(name) === address)).join(' > ')).join(', ')}`)
      return shut.length === 0 ? Date.now() : undefined
    }, OPEN_WITHIN_MS)
    t.match(await panic('--reason', 'it cut the shop off', '--undo'), /no new action from now on; 50 undone/)
    const { halt } = await guarded.api<{ halt: { at: string } }>('/panic')
    // From when the controller was told: how long kubectl and a new process take to start is the machine's.
    const [removedMs, openedMs] = (await Promise.all([removed, opened])).map((atMs) => atMs - Date.parse(halt.at)) as [number, number]
    t.comment(`told at ${halt.at}: objects gone after ${removedMs} ms, all open after ${openedMs} ms`)
    for (const line of seen) t.comment(line)
    t.strictSame(new Set((await kubectl(['-n', OWN_NAMESPACE, 'get', 'mitigations', '-o', 'jsonpath={.items[*].status.phase}'])).split(' ')), new Set(['reverted']))
    t.equal((await guarded.audit({ action: 'mitigation.reverted' })).filter(({ actor }) => actor !== 'autoshield').length, RUNNING)
    t.match(await guarded.ruled(attacker, victim, { reason: 'Halted' }, scan), { decision: { verdict: 'suppress', mitigation: null } })
    t.ok(await stage.reaches(attacker, victim))
    t.match(await panic(), /^stopped by .*: it cut the shop off/)
    t.match(await panic('--end', '--reason', 'the rule was mended'), /actions go on/)
    t.match(await panic(), /nobody stopped them/)
  })

  await t.test('panic --cluster, with nothing but a kubeconfig', async (t) => {
    const name = await mitigated()
    t.match(await installed.cli('panic', '--cluster', '--reason', 'its API is away', '--undo', '--autoshield-namespace', OWN_NAMESPACE), { status: 0, stdout: /says: no new action, and undo what is in force/ })
    await until('it is undone', async () => await phaseOf(name) === 'reverted' || undefined)
    await stage.becomes('open', attacker, victim)
    t.match(await guarded.ruled(attacker, victim, { reason: 'Halted' }, scan), { decision: { verdict: 'suppress', mitigation: null } })
    t.match((await guarded.audit({ action: 'panic.begun' }))[0], { actor: /^configmap\/autoshield-panic/, reason: 'Halted', detail: { reason: 'its API is away', undo: true } })
    t.match(await installed.cli('panic', '--cluster', '--end', '--reason', 'it is back', '--autoshield-namespace', OWN_NAMESPACE), { status: 0, stdout: /is gone: actions go on/ })
    await until('actions go on', async () => /nobody stopped them/.test(await panic()) || undefined)
  })

  await t.test('the ConfigMap that people write by kubectl stops what would come, and undoes nothing unasked', async (t) => {
    const name = await mitigated('p2')
    await kubectl(['-n', OWN_NAMESPACE, 'create', 'configmap', 'autoshield-panic', '--from-literal=active=true', '--from-literal=reason=by hand'])
    await until('it is stopped', async () => /by hand/.test(await panic()) || undefined)
    t.equal(await phaseOf(name), 'active')
    t.notOk(await stage.reaches(stage.addressOf('p2'), victim))
    await kubectl(['-n', OWN_NAMESPACE, 'delete', 'configmap', 'autoshield-panic'])
    await until('actions go on', async () => /nobody stopped them/.test(await panic()) || undefined)
  })

  await t.test('an annotation undoes one mitigation, and nothing else', async (t) => {
    const name = await mitigated('p3')
    await kubectl(['-n', OWN_NAMESPACE, 'annotate', 'mitigation', name, 'autoshield.dev/undo=a false alarm'])
    await until('it is undone', async () => await phaseOf(name) === 'reverted' || undefined)
    await stage.becomes('open', stage.addressOf('p3'), victim)
    t.match((await guarded.audit({ action: 'mitigation.reverted', object: `mitigation/${name}` }))[0], { actor: 'kubectl', detail: { reason: 'a false alarm' } })
    t.notOk(await stage.reaches(stage.addressOf('p2'), victim), 'the other one holds')
  })

  await t.test('policy replay --live puts a policy beside those in force, on what was recorded', async (t) => {
    const policy = JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'nothing-in', namespace }, spec: { podSelector: { matchLabels: { app: 'victim' } }, policyTypes: ['Ingress'] } })
    const replay = async (): Promise<string> => installed.kubectl(['-n', OWN_NAMESPACE, 'exec', '-i', 'deploy/autoshield-controller', '--', 'sh', '-c', 'autoshield policy replay - --live --since 1h --blocks outside --data /var/lib/autoshield; echo "status $?"'], policy)
    let last = ''
    await until(() => `it tells of what would be cut: ${last}`, async () => /status 79/.test(last = await replay()) || undefined, 100_000)
    t.match(last, /attacker/)
    t.match(last, /victim/)
  })
})
