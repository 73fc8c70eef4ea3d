import t from 'tap'
import { parse } from 'yaml'
import { withoutCluster } from './cluster/test-cluster.ts'
import { install, OWN_NAMESPACE } from './installed.ts'
import { rotateUnderLoad } from './rotate-under-load.ts'
import { until } from '../xds/real-envoy.ts'

t.setTimeout(420_000)

/** Pods that are created while the webhook is killed. */
const LATE = 6

interface PodList { items: { metadata: { name: string, uid: string, annotations?: Record<string, string> }, spec: { initContainers?: { name: string }[] }, status: { podIP?: string, phase: string } }[] }

const web = (name: string, image: string, replicas: number) => JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image, command: ['httpd', '-f', '-p', '8080'] }] } },
  },
})
const once = (image: string) => JSON.stringify({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'once', image, command: ['echo', 'done'] }] } } },
})
const lonely = (name: string, image: string) => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image, command: ['sleep', '3600'] }] },
})
const hasObserver = ({ spec }: PodList['items'][number]): boolean => (spec.initContainers ?? []).some(({ name }) => name === 'autoshield-observer')

t.test('label a namespace, and its pods are observed', { skip: withoutCluster('node') }, async (t) => {
  const installed = await install(t)
  const { kubectl, cli, controller, images } = installed
  const inShop = async (args: readonly string[], stdin?: string): Promise<string> => kubectl(['-n', 'shop', ...args], stdin)
  const podsOf = async (selector: string): Promise<PodList['items']> => (JSON.parse(await inShop(['get', 'pods', '-l', selector, '-o', 'json'])) as PodList).items
  await kubectl(['create', 'namespace', 'shop'])
  await kubectl(['label', 'namespace', 'shop', 'autoshield.dev/injection=enabled'])

  await t.test('a Deployment and a Job run with the observer beside them, and the Job ends', async (t) => {
    // The webhooks know of a new label by their watch.
    await until('an injected pod in a dry run', async () => (await inShop(['create', '--dry-run=server', '-o', 'yaml', '-f', '-'], lonely('try', images.busybox))).includes('autoshield-observer') || undefined)
    await inShop(['create', '-f', '-'], web('web', images.busybox, 2))
    await inShop(['create', '-f', '-'], once(images.busybox))
    await inShop(['rollout', 'status', 'deployment/web', '--timeout=60s'])
    await inShop(['wait', '--for=condition=complete', 'job/once', '--timeout=60s'])
    t.equal((await inShop(['logs', 'job/once', '-c', 'once'])).trim(), 'done')
    const pods = await podsOf('app=web')
    t.equal(pods.length, 2)
    t.ok(pods.every(hasObserver), 'each pod has the observer')
    t.match(JSON.parse(pods[0]?.metadata.annotations?.['autoshield.dev/status'] ?? '{}'), { source: 'packet', form: 'native', revision: 'default' })
    t.equal((await inShop(['exec', 'deploy/web', '-c', 'web', '--', 'echo', 'hello'])).trim(), 'hello', 'exec works')
  })

  await t.test('the detector receives windows from them, and coverage says so', async (t) => {
    const covered = await until('both pods observed', async () => {
      const { stdout, status } = await cli('coverage', '--namespace', 'shop', '--all', '-o', 'json')
      const rows = stdout.trim().split('\n').map((line) => JSON.parse(line) as { state: string, message: string })
      return rows.length === 2 && rows.every(({ state, message }) => state === 'observed' && message.includes('reports')) ? { rows, status } : undefined
    }, 60_000)
    t.equal(covered.status, 0)
  })

  await t.test('a check of the installation finds nothing wrong', async (t) => {
    const { status, stdout } = await cli('check', '-o', 'json')
    const findings = stdout.trim().split('\n').map((line) => JSON.parse(line) as { severity: string })
    t.equal(status, 0, stdout)
    t.ok(findings.length > 10)
  })

  await t.test('a port scan from one pod against another is found', async (t) => {
    await inShop(['create', '-f', '-'], lonely('suspect', images.tools))
    await inShop(['wait', '--for=condition=Ready', 'pod/suspect', '--timeout=60s'])
    const victim = (await podsOf('app=web'))[0]?.status.podIP ?? ''
    await until('the suspect is observed', async () => (await cli('coverage', '--namespace', 'shop', '--all', '-o', 'json')).stdout.split('\n').find((line) => line.includes('"suspect"') && line.includes('its observer reports')), 60_000)
    await inShop(['exec', 'suspect', '-c', 'app', '--', 'nmap', '-n', '-Pn', '-sT', '--max-rate', '200', '-p', '1-1000', victim])
    const found = await until('the scan in the audit trail', async () => {
      const said = await controller('audit', 'search', '--text', 'PORT_SCAN', '-o', 'json')
      return said.split('\n').find((line) => line.includes('PORT_SCAN') && line.includes('"name":"suspect"'))
    }, 60_000)
    t.match(JSON.parse(found), { action: /^decision/, detail: { evidence: { class: 'PORT_SCAN', simulated: false, source: { namespace: 'shop', name: 'suspect' } } } })
  })

  await t.test('who labelled the namespace and who ran a command is on record', async (t) => {
    const said = await until('the entries', async () => {
      const text = await controller('audit', 'admissions', '--since', '1h', '-o', 'json')
      return text.includes('exec') && text.includes('namespaces') ? text : undefined
    }, 30_000)
    t.match(said, /PodExec/)
  })

  await t.test('with the webhook killed every pod starts; the missed ones are found, said and brought up to date', async (t) => {
    const webhooks = async (): Promise<string[]> => (await kubectl(['-n', OWN_NAMESPACE, 'get', 'pods', '-l', 'app.kubernetes.io/component=webhook', '-o', 'name'])).trim().split('\n').map((name) => name.replace('pod/', ''))
    await kubectl(['-n', OWN_NAMESPACE, 'scale', 'deployment/autoshield-webhook', '--replicas=1'])
    await until('one webhook left', async () => (await webhooks()).length === 1 || undefined)
    const [webhook = ''] = await webhooks()
    const creating = inShop(['create', '-f', '-'], web('late', images.busybox, LATE))
    await installed.kill(OWN_NAMESPACE, webhook, 'webhook')
    await creating
    await inShop(['rollout', 'status', 'deployment/late', '--timeout=90s'])
    const pods = await podsOf('app=late')
    t.equal(pods.length, LATE, 'none lost and none doubled')
    const missed = pods.filter((pod) => !hasObserver(pod)).length
    t.comment(`${missed} of ${LATE} were created while the webhook was away`)
    await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'status', 'deployment/autoshield-webhook', '--timeout=60s'])
    if (missed > 0) {
      const { stdout, status } = await cli('coverage', '--namespace', 'shop', '-o', 'json')
      t.equal(status, 79)
      t.equal(stdout.split('\n').filter((line) => line.includes('"missed"')).length, missed)
      await until('an Event on a missed pod', async () => (await inShop(['get', 'events', '--field-selector', 'reason=Missed', '-o', 'name'])).trim() || undefined, 30_000)
    }
    await until('a webhook that answers again', async () => (await inShop(['create', '--dry-run=server', '-o', 'yaml', '-f', '-'], lonely('try', images.busybox))).includes('autoshield-observer') || undefined)
    const restarted = await cli('restart', '--namespace', 'shop', '--max-unavailable', '50%')
    t.equal(restarted.status, 0, restarted.stderr)
    await until('all of them observed', async () => {
      const now = await podsOf('app=late')
      return now.length === LATE && now.every(hasObserver) ? true : undefined
    }, 60_000)
  })

  await t.test('breaking the glass takes the webhooks away, and they stay away until the mark is taken off', async (t) => {
    const { status, stdout } = await cli('uninstall', '--webhooks-only')
    t.equal(status, 0)
    t.match(stdout, /autoshield-default/)
    t.equal((await kubectl(['get', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '-o', 'name'])).trim(), '')
    await inShop(['create', '-f', '-'], lonely('plain', images.busybox))
    const plain = parse(await inShop(['get', 'pod', 'plain', '-o', 'yaml'])) as PodList['items'][number]
    t.notOk(hasObserver(plain))
    await kubectl(['annotate', 'namespace', OWN_NAMESPACE, 'autoshield.dev/webhooks-'])
    await kubectl(['wait', '--for=create', 'mutatingwebhookconfiguration/autoshield-default', '--timeout=30s'])
  })

  await t.test('a certificate and then a root are replaced under load, and no review is missed', async (t) => {
    await kubectl(['-n', OWN_NAMESPACE, 'scale', 'deployment/autoshield-controller', '--replicas=0'])
    await kubectl(['-n', OWN_NAMESPACE, 'wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component=controller', '--timeout=60s'])
    const { reviews, missed, certificates, roots } = await rotateUnderLoad(installed.kubeconfig, 'shop', images.busybox)
    t.equal(missed, 0, `${reviews} reviews`)
    t.equal(certificates, 3)
    t.equal(roots, 2)
    await kubectl(['-n', OWN_NAMESPACE, 'scale', 'deployment/autoshield-controller', '--replicas=1'])
    await kubectl(['-n', OWN_NAMESPACE, 'rollout', 'status', 'deployment/autoshield-controller', '--timeout=60s'])
  })

  await t.test('observed pods are deleted as quickly as others', async () => {
    await inShop(['delete', 'deployment/web', 'deployment/late', 'pod/suspect', '--timeout=60s'])
    await inShop(['wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=40s'])
  })
})
