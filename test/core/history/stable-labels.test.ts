import t from 'tap'
import { selectorOf, stableLabels } from '../../../src/core/history/stable-labels.ts'
import { flowPod } from './records.ts'

const pod = (labels: Record<string, string>) => flowPod('x', { labels })

t.test('a selector outlives releases and replicas', (t) => {
  t.strictSame(stableLabels([
    pod({ app: 'web', 'pod-template-hash': 'a1', 'helm.sh/chart': 'web-1', tier: 'front', 'autoshield.dev/pod': 'u1' }),
    pod({ app: 'web', 'pod-template-hash': 'b2', 'helm.sh/chart': 'web-1', tier: 'back' }),
  ]), { app: 'web' })
  t.strictSame(stableLabels([]), {})
  t.end()
})

t.test('the labels that name a workload do, where they tell it from others', (t) => {
  const web = pod({ app: 'shop', tier: 'front' })
  t.strictSame(selectorOf([web], [pod({ app: 'bank', tier: 'front' })]), { labels: { app: 'shop' }, shared: [] })
  t.strictSame(selectorOf([web], [pod({ app: 'shop', tier: 'back' })]), { labels: { app: 'shop', tier: 'front' }, shared: [] }, 'all that are stable, where they do not')
  const twin = pod({ app: 'shop', tier: 'front', stage: 'canary' })
  t.strictSame(selectorOf([web], [twin]), { labels: { app: 'shop', tier: 'front' }, shared: [twin] }, 'and it is said whom they select as well')
  t.equal(selectorOf([pod({ 'pod-template-hash': 'a1' })], []), null)
  t.end()
})
