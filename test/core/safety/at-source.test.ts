import t from 'tap'
import type { Action } from '../../../src/core/policy/rule.ts'
import { atSource } from '../../../src/core/safety/at-source.ts'

t.test('what attacks a protected target is restricted as it leaves its source, for every row of the table', (t) => {
  const limit = { value: 1, unit: 'connections/s', burst: 1 } as const
  const rows: [Action, Action][] = [
    [{ type: 'network_policy', direction: 'ingress', ports: [53] }, { type: 'network_policy', direction: 'egress', ports: [53] }],
    [{ type: 'network_policy', direction: 'both', ports: 'any' }, { type: 'network_policy', direction: 'egress', ports: 'any' }],
    [{ type: 'traffic_throttle', direction: 'ingress', ports: 'any', limit }, { type: 'traffic_throttle', direction: 'egress', ports: 'any', limit }],
    ...([
      { type: 'pod_isolation' }, { type: 'pod_termination', gracePeriodSeconds: 1 }, { type: 'node_quarantine', effect: 'NoSchedule' },
      { type: 'alert_only', channel: 'a', priority: 'low' }, { type: 'custom_webhook', url: 'https://a/', method: 'POST' },
    ] as const).map((action): [Action, Action] => [action, action]),
  ]
  for (const [action, wanted] of rows) {
    t.strictSame(atSource(action, { kind: 'namespace', name: 'kube-system', by: 'system', how: 'it is' }), wanted)
    t.equal(atSource(action, null), action)
  }
  t.end()
})
