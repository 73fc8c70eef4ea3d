import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { KubernetesExceptions } from '../../../src/adapters/kubernetes/exceptions.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { exceptionStatus, standingOf } from '../../../src/core/exception/exception-status.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../../src/ports/kubernetes.ts'
import { madeExceptionSpec, NOW } from '../../core/exception/made-exception.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'
import { exceptionContract } from '../store/exception-contract.ts'

const { exceptions: resource } = RESOURCES

async function opened (api: KubernetesApi, namespace: string): Promise<[KubernetesExceptions, () => Promise<void>]> {
  const exceptions = new KubernetesExceptions(api, { namespace })
  const stopping = new AbortController()
  const run = exceptions.run(stopping.signal)
  await exceptions.synced
  return [exceptions, async () => {
    stopping.abort()
    await run
  }]
}

function contractOn (t: Test, place: () => Promise<{ api: KubernetesApi, namespace: string }>): void {
  exceptionContract(t, async (t) => {
    const { api, namespace } = await place()
    let [exceptions, close] = await opened(api, namespace)
    t.teardown(async () => close())
    return {
      exceptions: () => exceptions,
      reopen: async () => {
        await close();
        [exceptions, close] = await opened(api, namespace)
      },
    }
  })
}

t.test('in memory', async (t) => contractOn(t, async () => ({ api: new FakeKubernetes(), namespace: 'autoshield' })))

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(new URL('../../../deploy/chart/crds/exceptions.yaml', import.meta.url), 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/exceptions.autoshield.dev'])
  contractOn(t, async () => ({ api, namespace: await cluster.namespace() }))

  t.test('one that covers everybody, or says nothing, is refused at once in words', async (t) => {
    const namespace = await cluster.namespace()
    const tried = async (more: object) => api.create(resource, { metadata: { name: 'a', namespace }, spec: { ...madeExceptionSpec(), ...more } }, { dryRun: true })
    await t.resolves(tried({}))
    const table: [object, RegExp][] = [
      [{ source: undefined }, /it names neither source nor target, so it would cover everybody/],
      [{ source: {} }, /it names nobody: name a namespace, name, labels or cidr/],
      [{ source: { labels: {} } }, /labels are 1 to 16/],
      [{ target: { cidr: '0.0.0.0/0' } }, /cidr is everybody: name a smaller block/],
      [{ classes: [] }, /spec\.classes.*at least 1/],
      [{ classes: ['BENIGN'] }, /BENIGN is no attack/],
      [{ actions: ['reboot'] }, /Unsupported value: "reboot"/],
      [{ until: 'tomorrow' }, /spec\.until.*date-time/],
      [{ until: undefined }, /spec\.until: Required value/],
      [{ reason: undefined }, /spec\.reason: Required value/],
      [{ by: '' }, /spec\.by.*at least 1/],
      [{ upToSeverity: undefined }, /spec\.upToSeverity: Required value/],
    ]
    for (const [more, message] of table) await t.rejects(tried(more), { code: 'BAD_DATA', message }, String(message))
  })

  t.test('kubectl shows what it covers, until when, and what it held back', async (t) => {
    const namespace = await cluster.namespace()
    const [exceptions, close] = await opened(api, namespace)
    t.teardown(close)
    const made = await exceptions.add('audit', madeExceptionSpec())
    await exceptions.tell('audit', exceptionStatus(made, standingOf(made, NOW), { count: 3, lastMs: NOW }, NOW))
    const [head = '', row = ''] = (await cluster.kubectl(['-n', namespace, 'get', 'exc'])).split('\n')
    t.strictSame(head.trim().split(/\s{2,}/), ['NAME', 'ACTIVE', 'CLASSES', 'SEVERITY', 'UNTIL', 'COVERED', 'BY', 'AGE'])
    t.match(row, /^audit +True +\["PORT_SCAN"\] +high +2026-01-01T04:00:00Z +3 +jo/)
    t.match(await cluster.kubectl(['explain', 'exception.spec.upToSeverity']), /Rules above this severity are followed all the same/)
  })
})
