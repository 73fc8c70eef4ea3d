import type { Notice } from '../notice.ts'

/** Alertmanager forgets an alert that is not sent again; a detection is sent once, so it says how long it stands. */
const STANDS_MS = 3_600_000

/** The body of POST /api/v2/alerts. Labels name the alert, so what changes in time is an annotation. */
export function alertmanagerAlerts ({ rule, severity, text, detection }: Notice): object[] {
  const { id, class: className, confidence, source, target, firstSeen, lastSeen, technique } = detection
  return [{
    labels: {
      alertname: 'AutoShieldDetection',
      class: className,
      severity,
      rule,
      detection: id,
      ...(source !== null && { source: source.address }),
      ...(source?.namespace !== undefined && { namespace: source.namespace }),
      ...(source?.name !== undefined && { pod: source.name }),
      ...(target !== null && { target: target.address }),
    },
    annotations: { summary: text, confidence: confidence.toFixed(2), ...(technique !== null && { technique }) },
    startsAt: firstSeen,
    endsAt: new Date(Date.parse(lastSeen) + STANDS_MS).toISOString(),
  }]
}
