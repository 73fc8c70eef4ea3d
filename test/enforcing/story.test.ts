import { readFileSync } from 'node:fs'
import t from 'tap'
import type { ConditionType, Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { install, OWN_NAMESPACE } from '../real/installed.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { inForce, objectsOf, reachability } from './as-it-was.ts'
import { Ends, type Attempt, type PodOrder, type Talk } from './ends.ts'

t.setTimeout(900_000)

/** The application of the laboratory: it has a login, and pages as long as one asks for. */
const APPLICATION = `${readFileSync(new URL('../lab/servers/app.ts', import.meta.url), 'utf8')}\nmain({ http: [8000, 8001] })`
const [LOGIN, PAGES] = [8000, 8001]
/** Where the ends talk; no attack is aimed at it alone. */
const [TALK, OTHER] = [7000, 7001]
const TTL_S = 60
const PATIENT_MS = 120_000
const WITHIN_MS = 3000

const POLICY = `
rules:
  - id: scans
    name: Scans
    attack_class: PORT_SCAN
    confidence_threshold: 0.85
    cooldown_seconds: 1
    ttl_seconds: ${TTL_S}
    actions: [{ action_type: network_policy, parameters: { direction: both } }]
`

/** Its status comes a moment after the object. */
const isTrue = (mitigation: Mitigation | undefined, condition: ConditionType): boolean =>
  mitigation !== undefined && Object.hasOwn(mitigation, 'status') && mitigation.status.conditions.some(({ type, status }) => type === condition && status === 'True')

t.test('a pod that attacks another with real tools is found, cut by real packets, and let go in time', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const { kubectl, images, enforcing: { outside } } = cluster
  const installed = await install(t, { 'controller.actuation': 'true', 'webhook.replicas': '1', 'xds.replicas': '1', policy: POLICY }, cluster)
  const shop = await cluster.namespace({ 'autoshield.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'privileged' })
  await kubectl(['-n', shop, 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  const container = (name: string, image: string, command: readonly string[]): object => ({ name, image, imagePullPolicy: 'Never', command, securityContext: { runAsUser: 0, runAsGroup: 0 } })
  const pod = (name: string, node: string, ...beside: object[]): PodOrder => ({ namespace: shop, name, node, labels: { app: name }, beside, observed: true })
  const ends = await Ends.start(t, cluster, {
    pods: [
      pod('attacker', 'node-1', container('tools', images.tools, ['sleep', '3600'])),
      pod('victim', 'node-2', container('app', images.autoshield, ['node', '--input-type=module-typescript', '-e', APPLICATION])),
      pod('near', 'node-1'),
      pod('far', 'node-2'),
    ],
    machines: [outside],
    ports: [TALK, OTHER],
  })
  const [attacker = '', victim = '', near = '', far = ''] = ends.pods.map(({ addresses }) => addresses[0])
  const [world = ''] = outside.addresses
  for (const { name } of ends.pods) await until(`the observer of ${name} is connected`, async () => (await kubectl(['-n', shop, 'logs', name, '-c', 'autoshield-observer'])).includes('connected to the detector') || undefined, PATIENT_MS)

  const before = { objects: await objectsOf(cluster, shop), reachable: await reachability(ends, [TALK, OTHER]) }
  const others = [near, far, world]
  const talks = others.flatMap((other) => (['kept', 'new'] as const).flatMap((kind): Talk[] => [
    { kind, source: attacker, destination: other, port: TALK }, { kind, source: other, destination: attacker, port: TALK },
    { kind, source: victim, destination: other, port: TALK }, { kind, source: other, destination: victim, port: TALK },
  ]))
  await ends.talk(talks)
  t.ok(talks.length >= 20, `${talks.length} other flows of both`)

  const attack = async (command: string): Promise<string> => kubectl(['-n', shop, 'exec', 'attacker', '-c', 'tools', '--', 'sh', '-c', command])
  const cut = async (ports: readonly number[]): Promise<boolean> => {
    const attempts = ports.map((port): Attempt => ({ source: attacker, destination: victim, protocol: 'TCP', port }))
    return (await ends.try(attempts, WITHIN_MS)).every((reached) => !reached)
  }
  const mitigation = async (rule: string): Promise<Mitigation | undefined> =>
    (JSON.parse(await kubectl(['-n', OWN_NAMESPACE, 'get', 'mitigations', '-o', 'json'])) as { items: Mitigation[] }).items.find(({ spec: { owner } }) => owner.rule === rule)
  const programmed = async (rule: string): Promise<Mitigation> => until(async () => `${rule}: ${JSON.stringify(await mitigation(rule))} ${await installed.controller('decisions', 'list', '-o', 'json')}`, async () => {
    const found = await mitigation(rule)
    return isTrue(found, 'Programmed') ? found : undefined
  }, PATIENT_MS)

  await t.test('a scan', async (t) => {
    const scan = attack(`nmap -n -Pn -sT --max-rate 200 --max-retries 1 -p1-6000 ${victim}`).catch(() => 'ended')
    const { spec, status } = await programmed('scans')
    t.match(spec, { subject: { name: 'attacker' }, victims: [{ name: 'victim' }], mode: 'enforce', policies: ['egress'] })
    t.comment(JSON.stringify(status))
    await until('it is cut', async () => await cut([TALK, LOGIN, PAGES]) || undefined, PATIENT_MS)
    const detection = (await installed.controller('detections', 'list', '-o', 'json')).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Detection).find(({ id }) => id === spec.detection)
    t.match(detection, { class: 'PORT_SCAN', simulated: false, source: { name: 'attacker' }, target: { name: 'victim' } })
    const proved = await until(async () => JSON.stringify(await mitigation('scans')), async () => {
      await cut([TALK])
      return isTrue(await mitigation('scans'), 'Enforcing') || undefined
    }, PATIENT_MS)
    t.ok(proved, 'its attempts are seen to fail')
    await attack('killall -q nmap || true') // it may have given up by itself
    await scan
    t.equal((await inForce(cluster)).length, 1, 'nothing wider is in force')
  })

  await t.test('its time ends, and everything is as it was', async (t) => {
    await until('no mitigation is in force', async () => (await inForce(cluster)).length === 0 || undefined, PATIENT_MS)
    await until(async () => JSON.stringify(await objectsOf(cluster, shop)), async () => JSON.stringify(await objectsOf(cluster, shop)) === JSON.stringify(before.objects) || undefined, PATIENT_MS)
    await until('everybody is reached again', async () => (await reachability(ends, [TALK, OTHER])).join() === before.reachable.join() || undefined, PATIENT_MS)
    const all = JSON.parse(await kubectl(['-n', OWN_NAMESPACE, 'get', 'mitigations', '-o', 'json'])) as { items: Mitigation[] }
    t.strictSame(all.items.map(({ spec: { owner }, status: { phase } }) => `${owner.rule} ${phase}`), ['scans expired'])
    const { fewest, failures } = await ends.told()
    t.strictSame(failures, [], 'the other flows went on without one failed attempt')
    t.ok(fewest > 20, `${fewest} exchanges at least`)
  })
})
