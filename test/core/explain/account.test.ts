import t from 'tap'
import { accountFor } from '../../../src/core/explain/account.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { occluded, tensorWith, toyScorer, type Values } from './toy-scorer.ts'

const account = async (values: Values, logOdds: Parameters<typeof toyScorer>[1], { threshold = 0.9, silent = 19 } = {}) => {
  const of = occluded(tensorWith(values, silent))
  const { ask, rows } = toyScorer(of, logOdds)
  return { ...await accountFor({ of, threshold, ask }), rows: rows() }
}

t.test('the feature that a scorer looks at is named, and no other', async (t) => {
  const { evidence, path } = await account({ unique_ports: 200, syn_count: 40, flow_count: 9 }, (value) => Math.log1p(value('unique_ports')) - 2)
  t.same(path.map(({ feature }) => feature), ['unique_ports'])
  t.match(evidence[0], { feature: 'unique_ports', value: 200, usual: 1 })
  t.ok(Math.abs((evidence[0]?.contribution ?? 0) - (sigmoid(Math.log(201) - 2) - sigmoid(Math.log(2) - 2))) < 1e-6, 'exactly what the probability loses')
  t.ok(evidence.slice(1).every(({ contribution }) => contribution === 0))
})

t.test('of two that say the same, each of which changes nothing alone, both are named', async (t) => {
  const { path, evidence, counterfactual } = await account({ flow_count: 100, syn_count: 100 }, (value) => Math.max(value('flow_count'), value('syn_count')) > 50 ? 5 : -5)
  t.same(path.map(({ feature }) => feature).sort(), ['flow_count', 'syn_count'])
  t.ok(evidence.every(({ contribution }) => contribution === 0))
  t.ok((path.at(-1)?.left ?? 1) < 0.01)
  t.same(counterfactual?.changes.map(({ feature }) => feature).sort(), ['flow_count', 'syn_count'])
})

t.test('a probability that is one in float32 still shows what made it', async (t) => {
  const { path } = await account({ bytes_sent: 1e9, flow_count: 3 }, (value) => 40 + value('flow_count') + Math.log1p(value('bytes_sent')))
  t.equal(path[0]?.feature, 'bytes_sent')
})

t.test('the windows that matter are named, the weightiest first', async (t) => {
  // The toy reads the newest window alone, which is row 19.
  const { windows } = await account({ unique_ports: 200 }, (value) => value('unique_ports') - 100, { silent: 15 })
  t.same(windows.map(({ window }) => window), [19])
})

t.test('what would have kept it below is the first point on the way that is, as the scorer says', async (t) => {
  const { counterfactual, rows } = await account({ flow_count: 200 }, (value) => value('flow_count') - 14 + Math.log(9))
  t.equal(counterfactual?.limit, 0.9)
  t.equal(counterfactual?.changes.length, 1)
  const [change] = counterfactual?.changes ?? []
  t.equal(change?.seen, 200)
  t.ok(change !== undefined && change.needed < 14 && change.needed > 12.8, `${change?.needed}`)
  t.ok((counterfactual?.probability ?? 1) < 0.9)
  t.ok(rows < 100, `${rows} rows were scored`)
})

t.test('of several features of which each is enough, the one that goes the least of its way is told', async (t) => {
  const { counterfactual } = await account({ flow_count: 1000, bytes_sent: 1000 }, (value) => Math.min(value('flow_count') - 900, value('bytes_sent') - 10))
  t.same(counterfactual?.changes.map(({ feature }) => feature), ['flow_count'])
})

t.test('where windows below the threshold added up, it is measured by where they begin to', async (t) => {
  const { counterfactual } = await account({ flow_count: 20 }, (value) => value('flow_count') / 10 - 0.2)
  t.ok(counterfactual !== null && counterfactual.limit < 0.9 && counterfactual.limit > 0.6, `${counterfactual?.limit}`)
  t.ok((counterfactual?.probability ?? 1) < (counterfactual?.limit ?? 0))
})

t.test('where nothing that was seen makes the score, nothing is invented', async (t) => {
  const { counterfactual, windows } = await account({ flow_count: 20 }, () => 4)
  t.equal(counterfactual, null)
  t.same(windows, [])
})

t.test('a part of the context that makes the score is told by its largest column', async (t) => {
  const of = { ...occluded(tensorWith({ flow_count: 3 })), usualContext: CONTEXT_COLUMNS.map(() => 0) }
  of.context[CONTEXT_COLUMNS.indexOf('port_login')] = 9
  const { ask } = toyScorer(of, (value) => value('port_login') - 5)
  const { path, evidence, counterfactual } = await accountFor({ of, threshold: 0.9, ask })
  t.match(path[0], { feature: 'port_login' })
  t.match(evidence[0], { feature: 'port_login', value: 9, usual: 0 })
  t.equal(counterfactual, null, 'no feature of the traffic would have changed it')
})

const sigmoid = (nats: number): number => 1 / (1 + Math.exp(-nats))
