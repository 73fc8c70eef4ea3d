import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesMitigations } from './mitigations.ts'

/**
 * Puts a mitigation in force back that somebody deleted: it ends by its time, by `autoshield mitigations revert`, or by
 * the annotation that asks for it (undo-asked.ts), with a reason in the trail. `told` hears of each, with the error where it could not be put back.
 */
export function putBack (mitigations: Pick<KubernetesMitigations, 'onChange' | 'put'>, told: (name: string, error: AutoshieldError | null) => void): Disposable {
  return mitigations.onChange(({ before, after }) => {
    if (after !== null || before?.status.phase !== 'active') return
    const { name } = before.metadata
    mitigations.put(name, before).then(() => told(name, null), (error: unknown) => told(name, AutoshieldError.from(error)))
  })
}
