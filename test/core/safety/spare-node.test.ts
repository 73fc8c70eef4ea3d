import t from 'tap'
import type { NodeFacts } from '../../../src/core/kubernetes/node-facts.ts'
import { needOfNode } from '../../../src/core/safety/spare-node.ts'

const node = (name: string, overrides: Partial<NodeFacts> = {}): NodeFacts => ({ name, addresses: [], ready: true, schedulable: true, controlPlane: false, quarantined: false, ...overrides })

t.test('each row of the table: which nodes may be quarantined', (t) => {
  const rows: [string, string, readonly NodeFacts[], RegExp | null][] = [
    ['not known', 'n9', [node('n1'), node('n2')], /n9 is not known/],
    ['control plane', 'n1', [node('n1', { controlPlane: true }), node('n2'), node('n3')], /control plane/],
    ['one is quarantined already', 'n1', [node('n1'), node('n2', { quarantined: true }), node('n3')], /n2 is quarantined already/],
    ['the last that is ready', 'n1', [node('n1'), node('n2', { ready: false })], /last that is ready/],
    ['the last that takes pods', 'n1', [node('n1'), node('n2', { schedulable: false })], /last that is ready/],
    ['the only other is of the control plane', 'n1', [node('n1'), node('n2', { controlPlane: true })], /last that is ready/],
    ['a single node', 'n1', [node('n1')], /last that is ready/],
    ['another is there', 'n1', [node('n1'), node('n2')], null],
    ['it is quarantined itself', 'n1', [node('n1', { quarantined: true, schedulable: false }), node('n2')], null],
  ]
  for (const [name, asked, nodes, wanted] of rows) {
    const need = needOfNode(asked, nodes)
    if (wanted === null) t.equal(need, null, name)
    else t.match(need, wanted, name)
  }
  t.end()
})
