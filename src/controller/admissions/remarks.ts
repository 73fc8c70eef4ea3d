import type { AdmissionRemark, Detection, Endpoint } from '../../core/verdict/detection.ts'
import type { AdmissionContext } from '../../ports/admission.ts'

const MAX_REMARKS = 20

/**
 * The detection with what happened to its pods at admission. `stored` is the same detection as it was last written: what
 * the context has forgotten since stays. A replay shows pods of another time, so nothing is said of them.
 */
export function withAdmission (detection: Detection, stored: Detection | null, context: AdmissionContext): Detection {
  if (detection.simulated) return detection
  const firstMs = Date.parse(detection.firstSeen)
  const remarks = [
    ...stored?.admission ?? [],
    ...remarksOn('source', detection.source, firstMs, context),
    ...remarksOn('target', detection.target, firstMs, context),
  ]
  const distinct = new Map(remarks.map((remark) => [`${remark.end} ${remark.at} ${remark.actor} ${remark.text}`, remark]))
  if (distinct.size === 0) return detection
  return { ...detection, admission: [...distinct.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-MAX_REMARKS) }
}

function remarksOn (end: AdmissionRemark['end'], pod: Endpoint | null, atMs: number, context: AdmissionContext): readonly AdmissionRemark[] {
  if (pod?.name === undefined || pod.namespace === undefined) return []
  return context.contextOf({ uid: pod.uid ?? '', namespace: pod.namespace, name: pod.name }, atMs).map((note) => ({ end, ...note }))
}
