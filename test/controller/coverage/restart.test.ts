import t from 'tap'
import { restart, type RestartEvent } from '../../../src/controller/coverage/restart.ts'
import type { PodCoverage } from '../../../src/core/coverage/judge-pod.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

const pod = (workload: string): PodCoverage => ({ namespace: 'shop', name: `${workload}-x`, uid: workload, workload, state: 'stale', reason: 'Stale', message: '', mend: '' })

/** A Deployment whose controller has brought all pods to its newest template. */
function ready (api: FakeKubernetes, name: string, generation = 1, conditions: readonly object[] = []): void {
  api.seed(RESOURCES.deployments, { metadata: { name, namespace: 'shop', generation }, spec: { replicas: 8, template: {} }, status: { observedGeneration: generation, replicas: 8, updatedReplicas: 8, availableReplicas: 8, conditions } })
}

async function run (api: FakeKubernetes, pods: readonly PodCoverage[], { maxUnavailable = '10%', beat = (_: number): void => undefined, now = (): number => 0 } = {}): Promise<RestartEvent[]> {
  const events: RestartEvent[] = []
  const every = async function * (_: number, signal: AbortSignal): AsyncGenerator<number> {
    for (let at = 0; at < 20 && !signal.aborted; at++) {
      yield at
      beat(at)
    }
  }
  for await (const event of restart({ api, clock: { now }, every, pods, maxUnavailable, patienceMs: 60_000 }, new AbortController().signal)) events.push(event)
  return events
}

const told = (events: readonly RestartEvent[]): string[] => events.flatMap((event) => event.type === 'begun' || event.type === 'done' ? `${event.type} ${event.workload.name}` : event.type === 'left' ? `left ${event.what}` : [])
const annotated = async (api: FakeKubernetes, name: string): Promise<boolean> => JSON.stringify(await api.get(RESOURCES.deployments, name, 'shop')).includes('autoshield.dev/restarted-at')

t.test('workloads are restarted one after the other where the budget holds one', async (t) => {
  const api = new FakeKubernetes()
  for (const name of ['a', 'b']) ready(api, name)
  const rollOut = (beat: number): void => {
    if (beat === 1) ready(api, 'a', 2)
    if (beat === 3) ready(api, 'b', 2)
  }
  t.strictSame(told(await run(api, [pod('Deployment/a'), pod('Deployment/b'), pod('Deployment/a')], { beat: rollOut })), ['begun a', 'done a', 'begun b', 'done b'])
})

t.test('a wider budget restarts more at one time', async (t) => {
  const api = new FakeKubernetes()
  for (const name of ['a', 'b']) ready(api, name)
  const rollOut = (beat: number): void => { if (beat === 2) for (const name of ['a', 'b']) ready(api, name, 2) }
  t.strictSame(told(await run(api, [pod('Deployment/a'), pod('Deployment/b')], { beat: rollOut, maxUnavailable: '25%' })), ['begun a', 'begun b', 'done a', 'done b'])
})

t.test('new pods that do not become ready stop it, and the others are left alone', async (t) => {
  const api = new FakeKubernetes()
  for (const name of ['a', 'b']) ready(api, name)
  await t.rejects(run(api, [pod('Deployment/a'), pod('Deployment/b')], {
    beat: (beat) => {
      if (beat === 1) api.seed(RESOURCES.deployments, { metadata: { name: 'a', namespace: 'shop', generation: 2 }, spec: { replicas: 8 }, status: { observedGeneration: 2, conditions: [{ type: 'Progressing', status: 'False', message: 'timed out' }] } })
    },
  }), { code: 'CONFLICT', message: /Deployment shop\/a does not become ready \(timed out\).*rollout undo --namespace shop deployment\/a/ })
  t.equal(await annotated(api, 'b'), false)
})

t.test('so does one that takes too long', async (t) => {
  const api = new FakeKubernetes()
  ready(api, 'a')
  let now = 0
  await t.rejects(run(api, [pod('Deployment/a')], { now: () => (now += 20_000) }), { code: 'CONFLICT', message: /not ready after \d+ s/ })
})

t.test('what no controller would make again is named and left', async (t) => {
  const api = new FakeKubernetes()
  const events = await run(api, [pod('Pod/lonely'), pod('Job/once')])
  t.strictSame(told(events), ['left shop/Pod/lonely', 'left shop/Job/once'])
  t.match(events, [{ why: /delete it and create it anew/ }, { why: /ends by itself/ }])
})
