import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesMitigations } from './mitigations.ts'

/**
 * Puts a mitigation in force back that somebody deleted: it ends by its time or by `autoshield mitigations undo`, which is
 * audited, and not by an edit of the object. `told` hears of each, with the error where it could not be put back.
 */
export function putBack (mitigations: Pick<KubernetesMitigations, 'onChange' | 'put'>, told: (name: string, error: AutoshieldError | null) => void): Disposable {
  return mitigations.onChange(({ before, after }) => {
    if (after !== null || before?.status.phase !== 'active') return
    const { name } = before.metadata
    mitigations.put(name, before).then(() => told(name, null), (error: unknown) => told(name, AutoshieldError.from(error)))
  })
}
