import { readFileSync } from 'node:fs'
import t from 'tap'
import type { ConditionType, Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Detection } from '../../src/core/verdict/detection.ts'
import { install } from '../real/installed.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { mitigations, objectsOf, reachability } from './as-it-was.ts'
import { Ends, type Attempt, type PodOrder, type Talk } from './ends.ts'

t.setTimeout(900_000)

/** The application of the laboratory: it has a login, and pages as long as one asks for. */
const APPLICATION = `${readFileSync(new URL('../lab/servers/app.ts', import.meta.url), 'utf8')}\nmain({ http: [8000, 8001] })`
const [LOGIN, PAGES] = [8000, 8001]
/** Where the ends talk; no attack is aimed at it alone. */
const [TALK, OTHER] = [7000, 7001]
/** The API server's, on the first node. */
const API_PORT = 6443
const TTL_S = 30
const PATIENT_MS = 120_000
const WITHIN_MS = 3000

const OF_ALL = `confidence_threshold: 0.8, cooldown_seconds: 1, ttl_seconds: ${TTL_S}`
/** Each cuts no more than its attack needs, so that the next finds its way. */
const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, ${OF_ALL}, actions: [{ action_type: network_policy, parameters: { direction: both } }] }
  - id: guesses
    name: Guesses
    attack_class: BRUTE_FORCE
    ${OF_ALL.replaceAll(', ', '\n    ')}
    condition: target.name != "front"
    actions: [{ action_type: network_policy, parameters: { direction: both, ports: [${LOGIN}] } }]
  - id: slowed
    name: Guesses at what has an Envoy
    attack_class: BRUTE_FORCE
    ${OF_ALL.replaceAll(', ', '\n    ')}
    condition: target.name == "front"
    actions: [{ action_type: traffic_throttle, parameters: { rate_limit: 16kbps } }]
  - id: pulls
    name: Pulls
    attack_class: BULK_PULL
    ${OF_ALL.replaceAll(', ', '\n    ')}
    window: 15
    condition: features.bytes_received > 20000000
    actions: [{ action_type: network_policy, parameters: { direction: both, ports: [${PAGES}] } }]
`

const isTrue = (mitigation: Mitigation | undefined, condition: ConditionType): boolean =>
  mitigation?.status.conditions.some(({ type, status }) => type === condition && status === 'True') === true

t.test('a pod that attacks another with real tools is found, cut by real packets, and let go in time', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const { kubectl, images, enforcing: { outside, nodes: [nearNode, farNode] } } = cluster
  if (nearNode === undefined || farNode === undefined) throw new Error('the cluster lacks a node')
  const installed = await install(t, { 'controller.actuation': 'true', 'webhook.replicas': '1', 'xds.replicas': '1', policy: POLICY }, cluster)
  const shop = await cluster.namespace({ 'autoshield.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'privileged' })
  await kubectl(['-n', shop, 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s'])
  const container = (name: string, image: string, command: readonly string[]): object => ({ name, image, imagePullPolicy: 'Never', command, securityContext: { runAsUser: 0, runAsGroup: 0 } })
  const pod = (name: string, node: string, ...beside: object[]): PodOrder => ({ namespace: shop, name, node, labels: { app: name }, beside, observed: true })
  const application = container('app', images.autoshield, ['node', '--input-type=module-typescript', '-e', APPLICATION])
  const ends = await Ends.start(t, cluster, {
    pods: [
      pod('attacker', 'node-1', container('tools', images.tools, ['sleep', '3600'])),
      pod('victim', 'node-2', application),
      { ...pod('front', 'node-2', application), labels: { app: 'front', 'autoshield.dev/proxy': 'enabled' } },
      pod('near', 'node-1', container('tools', images.tools, ['sleep', '3600'])),
      pod('far', 'node-2'),
    ],
    machines: [outside, nearNode, farNode],
    ports: [TALK, OTHER],
  })
  const [attacker = '', victim = '', front = '', near = '', far = ''] = ends.pods.map(({ addresses }) => addresses[0])
  const [world = '', itsNode = '', victimsNode = ''] = [outside, nearNode, farNode].map(({ addresses }) => addresses[0])
  for (const { name } of ends.pods) await until(`the observer of ${name} is connected`, async () => (await kubectl(['-n', shop, 'logs', name, '-c', 'autoshield-observer'])).includes('connected to the detector') || undefined, PATIENT_MS)

  const before = { objects: await objectsOf(cluster, shop), reachable: await reachability(ends, [TALK, OTHER]) }
  const others = [near, far, world, itsNode, victimsNode]
  const talks = others.flatMap((other) => (['kept', 'new'] as const).flatMap((kind): Talk[] => [
    { kind, source: attacker, destination: other, port: TALK }, { kind, source: other, destination: attacker, port: TALK },
    { kind, source: victim, destination: other, port: TALK }, { kind, source: other, destination: victim, port: TALK }, { kind, source: other, destination: front, port: TALK },
  ]))
  await ends.talk(talks)
  t.ok(talks.length >= 20, `${talks.length} other flows of both`)

  const attack = async (command: string): Promise<string> => kubectl(['-n', shop, 'exec', 'attacker', '-c', 'tools', '--', 'sh', '-c', command])
  const cut = async (ports: readonly number[]): Promise<boolean> => {
    const attempts = ports.map((port): Attempt => ({ source: attacker, destination: victim, protocol: 'TCP', port }))
    return (await ends.try(attempts, WITHIN_MS)).every((reached) => !reached)
  }
  const reachesApi = async (): Promise<boolean[]> => ends.try([attacker, victim].map((source) => ({ source, destination: itsNode, protocol: 'TCP', port: API_PORT })), WITHIN_MS)
  const mitigation = async (rule: string): Promise<Mitigation | undefined> =>
    (await mitigations(cluster)).find(({ spec: { owner } }) => owner.rule === rule)
  const programmed = async (rule: string): Promise<Mitigation> => until(async () => `${rule}: ${JSON.stringify(await mitigation(rule))} ${await installed.controller('decisions', 'list', '-o', 'json')}`, async () => {
    const found = await mitigation(rule)
    return isTrue(found, 'Programmed') ? found : undefined
  }, PATIENT_MS)

  const detected = async ({ spec }: Mitigation): Promise<Detection | undefined> =>
    (await installed.controller('detections', 'list', '-o', 'json')).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Detection).find(({ id }) => id === spec.detection)
  /** It may have given up by itself. */
  const end = async (tool: string): Promise<string> => attack(`killall -q ${tool} || true`)
  const passwords = 'i=0; while [ $i -lt 4000 ]; do echo guess$i; i=$((i+1)); done > /tmp/words'
  const guess = async (host: string): Promise<string> =>
    attack(`${passwords}; hydra -I -t 4 -l alice -P /tmp/words -s ${LOGIN} ${host} http-post-form '/login:user=^USER^&pass=^PASS^:F=incorrect'`).catch(() => 'ended')

  await t.test('a pull of much data over one connection stops, on its port alone', async (t) => {
    const pull = attack(`curl -s --limit-rate 4M -o /tmp/pulled 'http://${victim}:${PAGES}/bytes/40000000?[1-50]'`).catch(() => 'ended')
    const found = await programmed('pulls')
    t.match(found.spec, { subject: { name: 'attacker' }, victims: [{ name: 'victim' }], policies: ['egress-deny'], ports: [PAGES] })
    t.match(await detected(found), { class: 'BULK_PULL', kind: 'pair', simulated: false })
    await until('new connections are cut', async () => await cut([PAGES]) || undefined, PATIENT_MS)
    const pulled = async (): Promise<string> => attack('wc -c < /tmp/pulled')
    await until('what is open brings nothing any more', async () => {
      const before = await pulled()
      return before === await pulled() || undefined
    }, PATIENT_MS)
    t.notOk(await cut([LOGIN]), 'other ports go on')
    t.strictSame(await reachesApi(), [true, true], 'the API server is reached')
    await end('curl')
    await pull
  })

  await t.test('guessed passwords are cut on the port of the login', async (t) => {
    const guesses = guess(victim)
    const found = await programmed('guesses')
    t.match(found.spec, { subject: { name: 'attacker' }, victims: [{ name: 'victim' }], policies: ['egress-deny'], ports: [LOGIN] })
    t.match(await detected(found), { class: 'BRUTE_FORCE', kind: 'pair', simulated: false })
    await until('it is cut', async () => await cut([LOGIN]) || undefined, PATIENT_MS)
    t.notOk(await cut([TALK]), 'other ports go on')
    await end('hydra')
    await guesses
  })

  await t.test('the same at a pod with an Envoy is slowed down by that, and nobody else is', async (t) => {
    const fetched = async (source: string): Promise<number> => Number((await kubectl(['-n', shop, 'exec', source, '-c', 'tools', '--', 'sh', '-c', `curl -s -m 5 http://${front}:${PAGES}/bytes/300000 | wc -c`])).trim())
    t.equal(await fetched('attacker'), 300_000)
    const guesses = guess(front)
    const found = await programmed('slowed')
    t.match(found, { spec: { subject: { name: 'attacker' }, victims: [{ name: 'front' }], action: 'limit' }, status: { targets: [{ target: /^proxy\//, state: 'programmed' }] } })
    await end('hydra')
    await guesses
    await until('the attacker is slowed down', async () => await fetched('attacker') < 100_000 || undefined, PATIENT_MS)
    t.equal(await fetched('near'), 300_000, 'another is served in full')
  })

  await t.test('a scan is cut on every port', async (t) => {
    const scan = attack(`nmap -n -Pn -sT --max-rate 200 --max-retries 1 -p1-6000 ${victim}`).catch(() => 'ended')
    const found = await programmed('scans')
    t.match(found.spec, { subject: { name: 'attacker' }, victims: [{ name: 'victim' }], mode: 'enforce', policies: ['egress-deny'], ports: 'any' })
    t.match(await detected(found), { class: 'PORT_SCAN', simulated: false, source: { name: 'attacker' }, target: { name: 'victim' } })
    await until('it is cut', async () => await cut([TALK, LOGIN, PAGES]) || undefined, PATIENT_MS)
    t.strictSame(await reachesApi(), [true, true], 'the API server is reached')
    await until(async () => `its attempts are seen to fail: ${JSON.stringify(await mitigation('scans'))}`, async () => {
      await cut([TALK, LOGIN, PAGES])
      return isTrue(await mitigation('scans'), 'Enforcing') || undefined
    }, PATIENT_MS)
    await end('nmap')
    await scan
  })

  await t.test('their time ends, and everything is as it was', async (t) => {
    await until(async () => `no mitigation is in force: ${JSON.stringify(await mitigations(cluster))}`, async () => (await mitigations(cluster)).every(({ status }) => status.phase !== 'active') || undefined, 2 * PATIENT_MS)
    await until(async () => JSON.stringify(await objectsOf(cluster, shop)), async () => JSON.stringify(await objectsOf(cluster, shop)) === JSON.stringify(before.objects) || undefined, PATIENT_MS)
    await until('everybody is reached again', async () => (await reachability(ends, [TALK, OTHER])).join() === before.reachable.join() || undefined, PATIENT_MS)
    t.strictSame([...new Set((await mitigations(cluster)).map(({ spec: { victims }, status: { phase } }) => `${victims.map(({ name }) => name).join()} ${phase}`))].sort(), ['front expired', 'victim expired'], 'nothing wider was ever in force')
    const { fewest, failures } = await ends.told()
    t.strictSame(failures, [], 'the other flows went on without one failed attempt')
    t.ok(fewest > 20, `${fewest} exchanges at least`)
  })
})
