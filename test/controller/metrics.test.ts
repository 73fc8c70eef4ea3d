import { spawnSync } from 'node:child_process'
import { Registry } from 'prom-client'
import t from 'tap'
import { controllerMetrics } from '../../src/controller/metrics.ts'

t.test('metrics have our prefix, units and closed labels, and Prometheus accepts them', async (t) => {
  const registry = new Registry()
  const metrics = controllerMetrics(registry)
  metrics.detection('PORT_SCAN', 'open')
  metrics.decision('suppress', 'Cooldown')
  metrics.decisionSeconds(0.0004)
  metrics.mitigations(2, 1)
  metrics.auditEntry()
  metrics.dropped('event', 3)
  metrics.storeFailure()
  metrics.policyReload('refused')
  metrics.models({ sequence: 1, current: 'm1', shadow: 'm2', refused: [], by: '', reason: '' })
  metrics.models({ sequence: 2, current: 'm2', shadow: null, refused: [], by: '', reason: '' })
  metrics.modelRefused()
  const stats = { observers: 1, packets: 0, flows: 0, windows: 0, tensors: 0, keys: 0, dropped: 0, malformed: 0, forgedSent: 3, forging: {}, refused: { NotYours: 1 } }
  for (const refused of [{ NotYours: 1 }, { NotYours: 2, Malformed: 1 }]) metrics.detector({ ...stats, refused })
  metrics.marked([{ class: 'PORT_SCAN', namespace: 'shop', confirmed: 3, falseAlarms: 1, precision: 0.75, low: 0.3, high: 0.95 }])
  const text = await registry.metrics()
  for (const line of [
    'autoshield_detections_total{class="PORT_SCAN",phase="open"} 1',
    'autoshield_decisions_total{verdict="suppress",reason="Cooldown"} 1',
    'autoshield_decision_seconds_bucket{le="0.0005"} 1',
    'autoshield_mitigations_active{simulated="false"} 2',
    'autoshield_mitigations_active{simulated="true"} 1',
    'autoshield_audit_entries_total 1',
    'autoshield_controller_dropped_total{what="event"} 3',
    'autoshield_store_failures_total 1',
    'autoshield_policy_reloads_total{outcome="refused"} 1',
    'autoshield_model_info{version="m2",use="current"} 1',
    'autoshield_model_refusals_total 1',
    'autoshield_forged_packets_total 3',
    'autoshield_detector_refusals_total{reason="NotYours"} 2',
    'autoshield_detector_refusals_total{reason="Malformed"} 1',
    'autoshield_detections_marked{class="PORT_SCAN",namespace="shop",verdict="confirmed"} 3',
    'autoshield_detections_marked{class="PORT_SCAN",namespace="shop",verdict="false-alarm"} 1',
  ]) t.ok(text.split('\n').includes(line), line)
  t.notMatch(text, /m1/, 'a model that scores no more is not told of')
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  if (promtool.error === undefined) t.equal(promtool.status, 0, promtool.stderr)
})
