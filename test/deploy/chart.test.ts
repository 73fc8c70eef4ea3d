import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isMap, parseAllDocuments, parseDocument, type Node, type Pair, type Scalar } from 'yaml'
import { InjectionSettings } from '../../src/core/injection/settings.ts'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import { buildPrograms } from '../real/cluster/build.ts'
import { command } from '../real/cluster/command.ts'
import { withoutCluster } from '../real/cluster/test-cluster.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const CHART = join(DEPLOY, 'chart')

interface Rendered {
  readonly kind: string
  readonly metadata: { readonly name: string, readonly namespace?: string, readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: { readonly template?: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }, readonly spec: { readonly imagePullSecrets?: readonly object[], readonly containers: readonly { readonly args: readonly string[] }[] } } }
}
interface Schema { readonly properties?: Readonly<Record<string, Schema>>, readonly enum?: readonly string[], readonly pattern?: string, readonly minimum?: number, readonly maximum?: number, readonly anyOf?: readonly { readonly const: string }[] }

t.test('every value is in the README, with its default and what it means', async (t) => {
  const path = join(DEPLOY, 'README.md')
  const readme = await readFile(path, 'utf8')
  const [, before = '', , after = ''] = /^([^]*<!-- values: [^\n]*-->\n)([^]*)(<!-- end of values -->[^]*)$/.exec(readme) ?? []
  const document = parseDocument(await readFile(join(CHART, 'values.yaml'), 'utf8'))
  const rows = isMap(document.contents) ? document.contents.items.flatMap((pair) => rowsOf(pair as Pair<Scalar, Node>, [])) : []
  t.strictSame(rows.filter((row) => row.endsWith('|  |')), [], 'each has a comment')
  const expected = `${before}| value | default | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n${after}`
  if (process.env['UPDATE'] === '1') await writeFile(path, expected)
  else t.equal(readme, expected, 'UPDATE=1 writes it anew')
})

t.test('helm', { skip: withoutCluster('api') }, async (t) => {
  const helm = join(await buildPrograms((line) => { t.comment(line) }), 'helm')
  const render = async (namespace: string, ...values: string[]): Promise<Rendered[]> =>
    parseAllDocuments(await command(helm, ['template', 'autoshield', CHART, '--namespace', namespace, '--kube-version', '1.34.0', ...values])).map((document) => document.toJS() as Rendered)
  const of = (objects: readonly Rendered[], kind: string, name: string): Rendered | undefined => objects.find((object) => object.kind === kind && object.metadata.name === name)

  t.test('finds nothing to complain of', async (t) => {
    t.match(await command(helm, ['lint', '--strict', CHART]), '1 chart(s) linted, 0 chart(s) failed')
  })

  t.test('renders the settings that the code has by default', async (t) => {
    const text = of(await render('autoshield'), 'ConfigMap', 'autoshield-injection')?.data?.['injection.yaml'] ?? ''
    const { image, detector, identity, xds, ...rest } = parseInjectionSettings(text, 'the chart')
    t.strictSame({ detector, identity, xds }, { detector: 'autoshield-detector.autoshield.svc:18001', identity: 'autoshield-controller.autoshield.svc:8444', xds: 'autoshield-xds.autoshield.svc:18000' })
    t.strictSame({ image, detector, identity, xds, ...rest }, parseInjectionSettings(`{ image: '${image}', detector: '${detector}', identity: '${identity}', xds: '${xds}' }`, 'defaults'))
  })

  t.test('injects proxies where it deploys the servers that configure them, and nothing of theirs elsewhere', async (t) => {
    const settings = async (...values: string[]) => parseInjectionSettings(of(await render('autoshield', ...values), 'ConfigMap', 'autoshield-injection')?.data?.['injection.yaml'] ?? '', 'the chart')
    const [without, enabled] = [await render('autoshield', '--set', 'xds.enabled=false'), await render('autoshield')]
    const ofXds = (objects: readonly Rendered[]): string[] => objects.filter(({ metadata: { name } }) => /^autoshield-xds/.test(name)).map(({ kind }) => kind).sort()
    t.strictSame(ofXds(without), [])
    t.strictSame(ofXds(enabled), ['ClusterRole', 'ClusterRoleBinding', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Role', 'RoleBinding', 'Service', 'ServiceAccount'])
    t.equal((await settings('--set', 'xds.enabled=false')).xds, null)
    t.equal((await settings()).xds, 'autoshield-xds.autoshield.svc:18000')
    t.equal((await settings('--set', 'xds.clusterIP=fd00::3')).xds, '[fd00::3]:18000')
  })

  t.test('refuses what the code would refuse, with the value\'s name', async (t) => {
    const bad = ['injection.revision=Canary', 'injection.sidecar=maybe', 'injection.podLabel=never', 'injection.healthPort=80', 'injection.tokenSeconds=10', 'injection.limits.cpu=lots', 'injection.defaultPodSecurity=none',
      'imagePullPolicy=Sometimes', 'trustDomain=A B', 'webhook.replicas=0', 'controller.actuation=maybe', 'controller.clusterIP=here', 'logLevel=loud', 'image=', 'networkPolicy.apiServer[0].cidr=10.0.0.1', 'injektion.revision=x']
    for (const value of bad) await t.rejects(render('autoshield', '--set', value), { message: new RegExp(value.split(/[.=[]/)[0] ?? '') }, value)
    const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema
    const ours = schema.properties?.['injection']?.properties ?? {}
    const code = (JSON.parse(JSON.stringify(InjectionSettings)) as Schema).properties ?? {}
    t.equal(ours['revision']?.pattern, code['revision']?.pattern)
    t.strictSame(ours['defaultPodSecurity']?.enum, code['defaultPodSecurity']?.enum)
    t.strictSame(ours['sidecar']?.enum, code['sidecar']?.anyOf?.map((literal) => literal.const))
    t.strictSame(ours['podLabel']?.enum, code['podLabel']?.anyOf?.map((literal) => literal.const))
    for (const name of ['healthPort', 'tokenSeconds', 'proxyConnections'] as const) t.strictSame([ours[name]?.minimum, ours[name]?.maximum], [code[name]?.minimum, code[name]?.maximum])
    t.equal(schema.properties?.['trustDomain']?.pattern, code['trustDomain']?.pattern)
    t.strictSame([...Object.keys(ours), 'image', 'imagePullPolicy', 'imagePullSecrets', 'trustDomain', 'detector', 'identity', 'xds'].sort(), Object.keys(code).sort(), 'no setting is forgotten')
  })

  t.test('takes several pull secrets, a policy and addresses', async (t) => {
    const policy = 'rules: []\n# the end\n'
    const objects = await render('autoshield', '--set', 'imagePullSecrets={one,two},controller.clusterIP=fd00::1', '--set-string', `policy=${policy}`)
    for (const name of ['webhook', 'controller', 'detector', 'xds']) t.strictSame(of(objects, 'Deployment', `autoshield-${name}`)?.spec?.template?.spec.imagePullSecrets, [{ name: 'one' }, { name: 'two' }])
    t.equal(of(objects, 'ConfigMap', 'autoshield-policy')?.data?.['policy.yaml'], policy)
    t.ok(of(objects, 'Deployment', 'autoshield-controller')?.spec?.template?.spec.containers[0]?.args.includes('--policy=/etc/autoshield-policy/policy.yaml'))
    t.ok(of(objects, 'Deployment', 'autoshield-webhook')?.spec?.template?.spec.containers[0]?.args.includes('--issuer=[fd00::1]:8444'))
    t.notOk(of(await render('autoshield'), 'ConfigMap', 'autoshield-policy'))
  })

  t.test('restarts only what reads a value once', async (t) => {
    const marks = async (...values: string[]): Promise<(string | undefined)[]> => {
      const objects = await render('autoshield', ...values)
      return ['webhook', 'controller'].map((name) => of(objects, 'Deployment', `autoshield-${name}`)?.spec?.template?.metadata.annotations?.['autoshield.dev/restarted-by'])
    }
    const [webhook, controller] = await marks()
    t.strictSame(await marks('--set', 'injection.healthPort=18010,injection.limits.cpu=300m'), [webhook, controller])
    t.match(await marks('--set', 'injection.revision=canary'), [webhook, new RegExp(`^(?!${controller ?? ''})`)])
    t.match(await marks('--set', 'trustDomain=example.org'), [new RegExp(`^(?!${webhook ?? ''})`), new RegExp(`^(?!${controller ?? ''})`)])
  })

  t.test('two revisions in two namespaces have no object in common, and all of each says whose it is', async (t) => {
    const [one, two] = [await render('autoshield'), await render('autoshield-canary', '--set', 'injection.revision=canary')]
    const names = (objects: readonly Rendered[]): string[] => objects.map(({ kind, metadata: { name, namespace = '' } }) => `${kind} ${namespace}/${name}`)
    t.strictSame(names(one).filter((name) => names(two).includes(name)), [])
    for (const { kind, metadata: { name, labels } } of [...one, ...two]) t.match(labels, { 'app.kubernetes.io/name': 'autoshield', 'app.kubernetes.io/part-of': 'autoshield', 'app.kubernetes.io/instance': 'autoshield', 'app.kubernetes.io/managed-by': 'Helm' }, `${kind} ${name}`)
  })
})

/** A row of the README's table for each value, or for each of a map whose own comment explains it. */
function rowsOf ({ key, value }: Pair<Scalar, Node>, above: readonly string[]): string[] {
  const path = [...above, String(key.value)]
  const comment = (key.commentBefore ?? (isMap(value) ? '' : value?.commentBefore) ?? '').trim().replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
  if (isMap(value) && comment === '' && value.items.length > 0) {
    // The first comment in a map is the map's own to the parser.
    const [first] = value.items as Pair<Scalar, Node>[]
    if (first !== undefined && value.commentBefore != null) first.key.commentBefore = value.commentBefore
    return value.items.flatMap((pair) => rowsOf(pair as Pair<Scalar, Node>, path))
  }
  return [`| \`${path.join('.')}\` | \`${JSON.stringify(value?.toJSON())}\` | ${comment} |`]
}
