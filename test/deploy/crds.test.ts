import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { parse } from 'yaml'
import { generateCrds } from '../../scripts/generate-crds.ts'
import { structuralSchema } from '../../scripts/structural-schema.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { toStored } from '../../src/adapters/kubernetes/stored-mitigation.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { sampleMitigation } from '../adapters/store/samples.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { until } from '../xds/real-envoy.ts'

const CRDS = join(import.meta.dirname, '../../deploy/chart/crds')
const { customResourceDefinitions, mitigations } = RESOURCES

t.test('the definitions that are checked in are what the schemas give', async (t) => {
  const fresh = t.testdir({})
  await generateCrds(fresh)
  t.strictSame((await readdir(CRDS)).sort(), (await readdir(fresh)).sort())
  for (const file of await readdir(fresh)) t.equal(await readFile(join(CRDS, file), 'utf8'), await readFile(join(fresh, file), 'utf8'), `${file} is current (npm run generate)`)
})

t.test('every field has a description', async (t) => {
  const definition = parse(await readFile(join(CRDS, 'mitigations.yaml'), 'utf8')) as { spec: { versions: { schema: { openAPIV3Schema: Field } }[] } }
  t.strictSame(undescribed(definition.spec.versions[0]?.schema.openAPIV3Schema, ''), [])
})

t.test('a schema without a structural form is refused with its place', async (t) => {
  const schema = Type.Object({ a: Type.Object({ b: Type.Union([Type.String(), Type.Number()]) }) })
  t.throws(() => structuralSchema(schema, 'spec'), /spec\.a\.b: a value of several types/)
})

t.test('a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  for (const file of await readdir(CRDS)) await api.apply(customResourceDefinitions, parse(await readFile(join(CRDS, file), 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  const namespace = await cluster.namespace()
  const apply = async (mitigation: Mitigation) => api.apply(mitigations, toStored(mitigation, namespace).object, { force: true })

  t.test('takes the definition whole, without a word of complaint', async (t) => {
    const crd = await api.get(customResourceDefinitions, 'mitigations.autoshield.dev')
    const conditions = (crd?.['status'] as { conditions: { type: string, status: string, message: string }[] }).conditions
    t.notOk(conditions.find(({ type }) => type === 'NonStructuralSchema'))
    t.match(conditions.find(({ type }) => type === 'NamesAccepted'), { status: 'True' })
  })

  t.test('shows what matters by kubectl get, by its short name and its category', async (t) => {
    const later = { ...sampleMitigation('shown'), spec: { ...sampleMitigation('shown').spec, expiresAt: '2026-01-20T00:00:00.000Z' } }
    await apply(later)
    await api.apply(mitigations, toStored(later, namespace).status, { subresource: 'status' })
    const [head = '', row = ''] = (await cluster.kubectl(['get', 'mit', '-n', namespace])).split('\n')
    t.strictSame(head.trim().split(/\s{2,}/), ['NAME', 'PHASE', 'ACTION', 'MODE', 'SUBJECT', 'ENFORCING', 'EXPIRES', 'AGE'])
    t.match(row, /^shown +active +deny +enforce +web-0 +2026-01-20T00:00:00.000Z/)
    t.match(await cluster.kubectl(['get', 'autoshield', '-n', namespace]), /shown/)
    t.match(await cluster.kubectl(['get', 'mit', '-n', namespace, '--field-selector', 'status.phase=expired', '--ignore-not-found']), /^$/)
    // The document of the API is put together some time after the definition is established.
    t.match(await until('kubectl explains it', async () => cluster.kubectl(['explain', 'mitigation.spec.subject']).catch(() => undefined), 30_000), /Who is restricted/)
  })

  t.test('refuses what would be wrong, and says why', async (t) => {
    const good = sampleMitigation('bad')
    const limit = { value: 10, unit: 'bytes/s' as const, burst: 10 }
    const cases: [string, Partial<Mitigation['spec']>, RegExp][] = [
      ['a limit without the action', { limit }, /limit belongs to the action limit/],
      ['the action without a limit', { action: 'limit' }, /limit belongs to the action limit/],
      ['a limit of nothing', { action: 'limit', limit: { ...limit, value: 0 } }, /greater than 0/],
      ['an end before its beginning', { expiresAt: '2020-01-01T00:00:00.000Z' }, /must come after createdAt/],
      ['an end far away', { expiresAt: '2026-03-02T03:04:05.000Z' }, /30 days at most/],
      ['an end that is no time', { expiresAt: 'soon' }, /expiresAt/],
      ['everybody cut off', { subject: 'anySource' }, /cannot be denied/],
      ['nobody to protect', { subject: 'anySource', action: 'limit', limit, victims: [] }, /needs a victim/],
      ['victims and destinations', { destinations: ['203.0.113.9'] }, /either in front of victims/],
      ['a port that is none', { ports: [70_000] }, /65535/],
      ['a subject without an address', { subject: { uid: 'u', addresses: [] } }, /at least 1 items/],
    ]
    for (const [name, spec, message] of cases) await t.rejects(apply({ ...good, spec: { ...good.spec, ...spec } }), { code: 'BAD_DATA', message }, name)
    const { object } = toStored(good, namespace)
    const stored = object as { spec: object }
    await t.rejects(api.apply(mitigations, { ...object, spec: { ...stored.spec, subject: {} } }), { code: 'BAD_DATA', message: /either a pod or anySource/ })
    t.equal(await api.get(mitigations, 'bad', namespace), null)
  })

  t.test('lets nobody change which pod it restricts and why, nor put off its end', async (t) => {
    const good = sampleMitigation('fixed')
    await apply(good)
    const cases: [string, Partial<Mitigation['spec']>, RegExp][] = [
      ['another subject', { subject: { uid: 'other', addresses: ['10.0.0.8'] } }, /cannot be changed/],
      ['another name of its pod', { subject: { uid: 'u7', addresses: ['10.0.0.7'], namespace: 'shop', name: 'other' } }, /cannot be changed/],
      ['whoever it comes from', { subject: 'anySource', action: 'limit', limit: { value: 1, unit: 'connections', burst: 1 } }, /cannot be changed/],
      ['another owner', { owner: { policy: 'p', rule: 'other', hash: 'h' } }, /cannot be changed/],
      ['another detection', { detection: 'other' }, /cannot be changed/],
      ['a later end', { expiresAt: '2026-01-03T00:00:00.000Z' }, /brought forward, not put off/],
      ['a life', { life: { ttlSeconds: 60, leastSeconds: 60 } }, /life cannot be changed/],
    ]
    for (const [name, spec, message] of cases) await t.rejects(apply({ ...good, spec: { ...good.spec, ...spec } }), { code: 'BAD_DATA', message }, name)
    await apply({ ...good, spec: { ...good.spec, subject: { uid: 'u7', addresses: ['10.0.0.7', 'fd00::7'], namespace: 'shop', name: 'web-0' }, victims: [{ uid: 'u10', addresses: ['10.0.0.10'] }] } })
    t.match((await api.get(mitigations, 'fixed', namespace))?.['spec'], { subject: { pod: { addresses: { length: 2 } } }, victims: [{ uid: 'u10' }] }, 'pods come and go, and get addresses')
    await apply({ ...good, spec: { ...good.spec, expiresAt: '2026-01-02T03:05:00.000Z' } })
    const living = sampleMitigation('living')
    const life = { ttlSeconds: 600, leastSeconds: 60 }
    const until = (seconds: number) => ({ ...living, spec: { ...living.spec, life, expiresAt: new Date(Date.parse(living.metadata.creationTimestamp) + seconds * 1_000).toISOString() } })
    await apply(until(600))
    await apply(until(7_200))
    await t.rejects(apply(until(7_201)), { code: 'BAD_DATA', message: /12 times its ttlSeconds/ }, 'its end follows the attack so far and no further')
    await t.rejects(apply({ ...until(7_200), spec: { ...until(7_200).spec, life: { ...life, ttlSeconds: 6_000 } } }), { code: 'BAD_DATA', message: /cannot be changed/ })
    const ended = sampleMitigation('fixed', 'expired')
    const { endedAt: _, ...status } = ended.status
    await t.rejects(api.apply(mitigations, toStored({ ...ended, status }, namespace).status, { subresource: 'status' }), { code: 'BAD_DATA', message: /endedAt belongs/ })
  })
})

interface Field { description?: string, properties?: Record<string, Field>, items?: Field }

function undescribed (field: Field | undefined, place: string): string[] {
  if (field === undefined) return []
  const inner = Object.entries(field.properties ?? {}).flatMap(([name, each]) => undescribed(each, `${place}.${name}`))
  return [...field.description === undefined ? [place] : [], ...inner, ...Object.entries(field.items?.properties ?? {}).flatMap(([name, each]) => undescribed(each, `${place}[].${name}`))]
}
