import { createErrand, type Errand, type Task } from '../../../src/core/errand/errand.ts'
import type { Notice } from '../../../src/core/errand/notice.ts'

export const NOW_MS = Date.parse('2026-06-01T12:00:00Z')

export const NOTICE: Notice = {
  rule: 'Scans',
  severity: 'high',
  text: '10.0.0.1 tried 900 ports of 10.0.0.3',
  detection: {
    id: 'd-1',
    class: 'PORT_SCAN',
    confidence: 0.97,
    source: { address: '10.0.0.1', uid: 'u1', name: 'web-0', namespace: 'shop' },
    target: { address: '10.0.0.3' },
    firstSeen: '2026-06-01T11:59:58.000Z',
    lastSeen: '2026-06-01T12:00:00.000Z',
    simulated: false,
    technique: 'T1046',
  },
}

export const ALERT = { type: 'alert', channel: 'soc', priority: 'high', notice: NOTICE } as const satisfies Task
export const WEBHOOK = { type: 'webhook', url: 'https://internal-api/alert?token=s3cret', method: 'POST', notice: NOTICE } as const satisfies Task
export const EVICTION = { type: 'eviction', pod: { uid: 'u1', namespace: 'shop', name: 'web-0' }, gracePeriodSeconds: 30 } as const satisfies Task

export const errandOf = (task: Task, id = 'e-1', nowMs = NOW_MS): Errand => createErrand({ id, detection: 'd-1', policy: 'default.yaml', ruleHash: 'a'.repeat(64) }, task, 600, nowMs)
