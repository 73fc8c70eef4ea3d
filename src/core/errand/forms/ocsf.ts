import type { Severity } from '../../policy/rule.ts'
import type { Notice } from '../notice.ts'

const SEVERITY: Readonly<Record<Severity, number>> = { low: 2, medium: 3, high: 4, critical: 5 }
const VERSION = '1.5.0'

/** OCSF 1.5.0, Detection Finding (class 2004), activity Create. `time` is in Unix ms. */
export function ocsfFinding ({ rule, severity, text, detection }: Notice, errand: string, productVersion: string): object {
  const { id, class: className, confidence, source, target, firstSeen, lastSeen, technique } = detection
  const score = Math.round(confidence * 100)
  return {
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2004,
    class_name: 'Detection Finding',
    activity_id: 1,
    activity_name: 'Create',
    type_uid: 200401,
    type_name: 'Detection Finding: Create',
    time: Date.parse(lastSeen),
    start_time: Date.parse(firstSeen),
    end_time: Date.parse(lastSeen),
    severity_id: SEVERITY[severity],
    severity: `${severity.charAt(0).toUpperCase()}${severity.slice(1)}`,
    status_id: 1,
    status: 'New',
    confidence_score: score,
    message: text,
    finding_info: {
      uid: id,
      title: className,
      desc: text,
      first_seen_time: Date.parse(firstSeen),
      last_seen_time: Date.parse(lastSeen),
      analytic: { name: rule, type_id: 1, type: 'Rule' },
      ...(technique !== null && { attacks: [attackOf(technique)] }),
    },
    evidences: [{
      ...(source !== null && { src_endpoint: endpointOf(source) }),
      ...(target !== null && { dst_endpoint: endpointOf(target) }),
    }],
    metadata: { uid: errand, version: VERSION, product: { name: 'AutoShield Mesh', vendor_name: 'AutoShield', version: productVersion } },
  }
}

const endpointOf = ({ address, uid, name, namespace }: NonNullable<Notice['detection']['source']>): object => ({
  ip: address,
  ...(uid !== undefined && { uid }),
  ...(name !== undefined && { name: `${namespace ?? ''}/${name}` }),
})

/** T1071.001 is a sub-technique of T1071. */
function attackOf (technique: string): Record<string, unknown> {
  const [whole = technique] = technique.split('.')
  return { technique: { uid: whole }, ...(whole !== technique && { sub_technique: { uid: technique } }) }
}
