import t, { type Test } from 'tap'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { AddressPool } from './address-pool.ts'
import { PORT, SCANNED, Stage } from './case-stage.ts'

t.setTimeout(600_000)

/** From a pod by kubectl: a scan of an address, and meanwhile a conversation with it in which it answers. */
const SCAN_AND_TALK = `
  const { connect } = require('net')
  const host = process.argv[1]
  for (const port of ${JSON.stringify(SCANNED)}) connect({ host, port }).on('error', () => undefined).on('connect', function () { this.destroy() })
  const talk = connect({ host, port: ${PORT} }).on('error', () => undefined)
  talk.write('hello')
  talk.on('data', () => talk.destroy())
  setTimeout(() => process.exit(), 1500)`

t.test('hard cases on two nodes with Cilium', { skip: withoutCluster('enforcing') }, async (t) => {
  const pod = (name: string, node: string, labels: Readonly<Record<string, string>> = {}) => ({ name, node, labels: { app: name, ...labels } })
  const stage = await Stage.set(t, await testCluster(t, { needs: 'enforcing' }), [
    pod('attacker', 'node-1'), pod('mallory', 'node-2'), pod('mover', 'node-1'), pod('victim', 'node-2'), pod('friend', 'node-1'),
    pod('shelf', 'node-2', { 'autoshield.dev/inject': 'false' }),
    { ...pod('dns', 'node-2'), namespace: 'kube-system' },
    { ...pod('on-node', 'node-1'), hostNetwork: true },
  ])
  const { guarded, namespace, cluster: { kubectl, enforcing } } = stage
  t.teardown(async () => kubectl(['-n', 'kube-system', 'delete', 'pod/dns', 'service/kube-dns', '--ignore-not-found', '--grace-period=0', '--force']))
  const [attacker, mallory, mover, victim, friend, shelf, dns, node] = ['attacker', 'mallory', 'mover', 'victim', 'friend', 'shelf', 'dns', 'on-node'].map((name) => stage.addressOf(name)) as [string, string, string, string, string, string, string, string]
  const [outside = ''] = enforcing.outside.addresses
  /** It is stored a moment after its decision. */
  const mitigationOf = async (name: string | null): Promise<Mitigation> =>
    until(`there is a mitigation ${name ?? ''}`, async () => (await guarded.mitigations()).find(({ metadata }) => metadata.name === name))
  /** A refusal is in the trail, counted, and told as an Event on a pod. */
  const told = async (t: Test, reason: string, podName: string, podNamespace: string): Promise<void> => {
    t.ok((await guarded.audit({ action: 'decision.alert' })).some((entry) => entry.reason === reason), `${reason} is in the trail`)
    t.ok(await guarded.metric('autoshield_decisions_total', { verdict: 'alert', reason }) > 0, `${reason} is counted`)
    await until(`an Event ${reason} on ${podName}`, async () => (await kubectl(['-n', podNamespace, 'get', 'events.v1.events.k8s.io', '--field-selector', `reason=${reason},regarding.name=${podName}`, '-o', 'name'])) === '' ? undefined : true)
  }

  await t.test('an attack by way of a Service is cut at the pod behind it, which nobody observes', async (t) => {
    const address = await stage.service('shelf', 'shelf')
    await stage.becomes('open', attacker, address)
    const { decision } = await guarded.ruled(attacker, address, { verdict: 'mitigate' }, async () => stage.scan(attacker, address))
    const { spec } = await mitigationOf(decision.mitigation)
    t.match(spec, { subject: { name: 'attacker' }, victims: [{ name: 'shelf', addresses: [shelf] }], services: [address] })
    t.equal(spec.destinations, undefined, 'the address itself is of nobody')
    await stage.becomes('cut', attacker, address)
    await stage.becomes('cut', attacker, shelf)
    t.strictSame(await Promise.all([stage.reaches(friend, address), stage.reaches(friend, shelf), stage.reaches(attacker, victim)]), [true, true, true], 'nobody else is cut')
    await stage.undoAll()
    await stage.becomes('open', attacker, address)
  })

  await t.test('DNS is never cut: its attacker is, as it leaves, and where it attacks itself it is told of and let alone', async (t) => {
    const address = await stage.service('kube-dns', 'dns', { namespace: 'kube-system', first: [{ name: 'dns', port: 53, targetPort: PORT }] })
    await until('it is protected', async () => JSON.stringify(await guarded.api('/protected')).includes(`"${address}"`) || undefined, 30_000)
    for (const target of [dns, address]) {
      const { decision } = await guarded.ruled(attacker, target, { verdict: 'mitigate' }, async () => stage.scan(attacker, target))
      t.match((await mitigationOf(decision.mitigation)).spec, { direction: 'egress', policies: ['egress-deny'], victims: [{ name: 'dns' }] }, `by ${target === dns ? 'its pod' : 'its Service'}`)
    }
    await stage.becomes('cut', attacker, dns)
    t.equal(await kubectl(['-n', 'kube-system', 'get', 'networkpolicies', '-o', 'name']), '', 'no policy stands in its namespace')
    t.strictSame(await Promise.all([stage.reaches(friend, dns), stage.reaches(friend, address, 53), stage.reaches(dns, victim)]), [true, true, true], 'it serves, and reaches others')
    const { decision } = await guarded.ruled(dns, victim, { reason: 'ProtectedTarget' }, async () => kubectl(['-n', 'kube-system', 'exec', 'dns', '--', 'node', '-e', SCAN_AND_TALK, victim]))
    t.match(decision, { verdict: 'alert', mitigation: null, message: /kube-system/ })
    await told(t, 'ProtectedTarget', 'dns', 'kube-system')
    t.strictSame(await stage.restrictionsOf(stage.uidOf('dns')), [])
    t.ok(await stage.reaches(dns, victim))
    await stage.undoAll()
    await stage.becomes('open', attacker, dns)
  })

  await t.test('a pod on its node\'s network is its node: as an attacker it is told of, and its victim is served', async (t) => {
    const { decision } = await guarded.ruled(node, victim, { reason: 'UnknownTarget' }, async () => stage.scan(node, victim))
    t.match(decision, { verdict: 'alert', mitigation: null, message: /No known pod has the address/ })
    await told(t, 'UnknownTarget', 'victim', namespace)
    t.strictSame(await Promise.all([stage.reaches(node, victim), stage.reaches(friend, node)]), [true, true])
  })

  await t.test('as a victim nothing selects it: its attacker is cut as it leaves, and nobody else loses the node', async (t) => {
    const { decision } = await guarded.ruled(attacker, node, { verdict: 'mitigate' }, async () => stage.scan(attacker, node))
    t.match((await mitigationOf(decision.mitigation)).spec, { direction: 'egress', policies: ['egress'], subject: { name: 'attacker' }, destinations: [node] })
    await stage.becomes('cut', attacker, node)
    t.strictSame(await Promise.all([stage.reaches(friend, node), stage.reaches(node, victim), stage.reaches(node, attacker)]), [true, true, true])
    await stage.undoAll()
    await stage.becomes('open', attacker, node)
  })

  await t.test('a source that is translated on its way is nobody\'s to be cut for', async (t) => {
    await stage.service('door', 'victim', { nodePorts: true })
    await stage.becomes('open', outside, node, 31_000)
    const known = new Set([dns, node, attacker])
    const source = await until('the scan is found, from an address of the node', async () => {
      await stage.scan(outside, node)
      const { items } = await guarded.api<{ items: Pick<Detection, 'source' | 'target' | 'phase'>[] }>('/detections?limit=100')
      return items.find(({ source, target, phase }) => phase === 'open' && target?.address === victim && source !== null && !known.has(source.address))?.source ?? undefined
    }, 60_000)
    t.equal(source.uid, undefined, 'it is taken for nobody')
    const { decision } = await guarded.ruled(source.address, victim, { reason: 'UnknownTarget' }, async () => undefined)
    t.match(decision, { verdict: 'alert', mitigation: null })
    t.strictSame((await guarded.mitigations()).filter(({ status }) => status.phase === 'active'), [])
    t.strictSame(await Promise.all([stage.reaches(outside, node, 31_000), stage.reaches(node, victim), stage.reaches(friend, victim)]), [true, true, true])
    await kubectl(['-n', namespace, 'delete', 'service', 'door'])
  })

  await t.test('what the user\'s own policies allow is cut where it can be, refused where it cannot, and they are never edited', async (t) => {
    const policies = [
      { podSelector: { matchLabels: { app: 'mallory' } }, policyTypes: ['Egress'], egress: [{}, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] },
      { podSelector: { matchLabels: { app: 'victim' } }, policyTypes: ['Ingress'], ingress: [{}] },
    ].map((spec, at) => JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: ['let-out', 'let-in'][at], namespace }, spec }))
    for (const policy of policies) await kubectl(['create', '-f', '-'], { stdin: policy })
    const theirs = async (): Promise<string> => kubectl(['-n', namespace, 'get', 'networkpolicies', 'let-out', 'let-in', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion} {.spec}{"\\n"}{end}'])
    const before = await theirs()
    const { decision: cut } = await guarded.ruled(mallory, victim, { verdict: 'mitigate' }, async () => stage.scan(mallory, victim))
    t.match((await mitigationOf(cut.mitigation)).spec, { policies: ['egress-deny'] }, 'a denial holds whatever others allow')
    await stage.becomes('cut', mallory, victim)
    t.strictSame(await Promise.all([stage.reaches(friend, victim), stage.reaches(mallory, friend)]), [true, true])
    const { decision: refused } = await guarded.ruled(mallory, node, { reason: 'CannotEnforce' }, async () => stage.scan(mallory, node))
    t.match(refused, { verdict: 'alert', mitigation: null, message: /let-out/ }, 'no denial takes a node, and what lists is undone by what allows all')
    await told(t, 'CannotEnforce', 'mallory', namespace)
    t.ok(await stage.reaches(mallory, node), 'which is not cut, as was said')
    t.equal(await theirs(), before, 'they are as they were')
    await stage.undoAll()
    await stage.becomes('open', mallory, victim)
    t.equal(await theirs(), before)
  })

  await t.test('an address that moves to another pod takes no restriction along', async (t) => {
    const { decision } = await guarded.ruled(mover, victim, { verdict: 'mitigate' }, async () => stage.scan(mover, victim))
    await stage.becomes('cut', mover, victim)
    const [first] = enforcing.nodes
    if (first === undefined) throw new Error('the cluster has no node')
    const pool = new AddressPool(first, mover)
    await pool.exhaust()
    await kubectl(['-n', namespace, 'delete', 'pod', 'mover', '--grace-period=0', '--force'])
    const successor = await stage.joins(t, pod('successor', 'node-1'))
    await pool.release()
    t.equal(successor, mover, 'it has the very address')
    await stage.becomes('open', successor, victim)
    t.strictSame(await Promise.all([stage.reaches(successor, friend), stage.reaches(successor, dns), stage.reaches(friend, successor), stage.reaches(victim, successor)]), [true, true, true, true], 'it reaches all, and all reach it')
    const ended = await until('the mitigation has ended', async () => {
      const found = await mitigationOf(decision.mitigation)
      return found.status.phase === 'expired' ? found : undefined
    })
    t.match(ended.status.conditions.find(({ type }) => type === 'Programmed'), { status: 'False', reason: 'SubjectGone' })
    t.ok((await guarded.audit({ action: 'mitigation.ended' })).some(({ reason, object }) => reason === 'SubjectGone' && object.endsWith(decision.mitigation ?? '-')))
    t.equal(await kubectl(['get', 'networkpolicies', '-A', '-l', `autoshield.dev/mitigation=${decision.mitigation ?? ''}`, '-o', 'name']), '')
  })
})
