import t from 'tap'
import { readPanicOrder } from '../../../src/core/safety/panic-order.ts'

const map = (data: object | undefined, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'autoshield-panic', namespace: 'autoshield', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata }, data })

t.test('what a ConfigMap orders, for every row of the table', (t) => {
  t.match(readPanicOrder(map({ active: 'true', undo: 'true', reason: ' it cut the shop off ' })), { undo: true, halt: { by: 'configmap/autoshield-panic', reason: 'it cut the shop off', at: '2026-01-01T00:00:00Z' } })
  for (const undo of ['false', '', 'yes']) t.match(readPanicOrder(map({ active: 'true', undo })), { undo: false })
  t.match(readPanicOrder(map({ active: 'true' })), { undo: false, halt: { reason: 'the ConfigMap autoshield-panic says so' } })
  for (const data of [{ active: 'false', undo: 'true' }, { undo: 'true' }, {}, undefined]) t.equal(readPanicOrder(map(data)), null)
  t.equal(readPanicOrder(map({ active: 'true' }, { name: 'another' })), null)
  t.end()
})

t.test('it names whoever wrote it last', (t) => {
  t.equal(readPanicOrder(map({ active: 'true' }, { managedFields: [{ manager: 'kubectl-create' }, { manager: 'argocd-controller' }] }))?.halt.by, 'configmap/autoshield-panic (argocd-controller)')
  t.end()
})
