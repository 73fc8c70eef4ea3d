import type { Mitigation } from '../../core/mitigation/mitigation.ts'
import type { KubernetesMitigations } from './mitigations.ts'

/** On the object of a mitigation, by `kubectl annotate`: undo it. The value says why. */
export const UNDO_ANNOTATION = 'autoshield.dev/undo'

/**
 * Tells of each mitigation in force that somebody asked to undo on its object, also of those that were asked for while nobody
 * listened. An ask is told once, unless the undoing rejects: then again with the object's next change.
 */
export function undoAsked (mitigations: Pick<KubernetesMitigations, 'onChange' | 'list'>, undo: (name: string, reason: string) => Promise<unknown>): Disposable {
  const asked = new Set<string>()
  const look = ({ metadata: { name, annotations }, status }: Mitigation): void => {
    const reason = annotations[UNDO_ANNOTATION]
    if (reason === undefined || status.phase !== 'active' || asked.has(name)) return
    asked.add(name)
    undo(name, reason.trim() === '' ? 'asked for on its object' : reason.slice(0, 500)).catch(() => { asked.delete(name) })
  }
  mitigations.list().forEach(look)
  return mitigations.onChange(({ before, after }) => {
    if (after !== null) look(after)
    else if (before !== null) asked.delete(before.metadata.name)
  })
}
