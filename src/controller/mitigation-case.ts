import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Detection } from '../core/verdict/detection.ts'

/** Where a mitigation came from, so that the same case is not mitigated twice. */
export const ANNOTATIONS = {
  action: 'autoshield.dev/action',
  source: 'autoshield.dev/source',
  target: 'autoshield.dev/target',
} as const

/** Annotation with the class of the detection that a mitigation answers. */
const CLASS_ANNOTATION = 'autoshield.dev/class'

/** The case of an action as annotations of its mitigation. */
export const annotationsOf = (actionIndex: number, detection: Detection): Record<string, string> => ({
  [ANNOTATIONS.action]: String(actionIndex),
  [ANNOTATIONS.source]: detection.source?.address ?? '*',
  [ANNOTATIONS.target]: detection.target?.address ?? '*',
  [CLASS_ANNOTATION]: detection.class,
})

/** What tells attacks apart: their class and their two ends. */
export const attackOf = ({ class: name, source, target }: Pick<Detection, 'class' | 'source' | 'target'>): string => JSON.stringify([name, source?.address ?? '*', target?.address ?? '*'])
/** The attack that a mitigation answers. */
export const answeredBy = ({ metadata: { annotations } }: Mitigation): string => JSON.stringify([CLASS_ANNOTATION, ANNOTATIONS.source, ANNOTATIONS.target].map((name) => annotations[name]))
