import { AutoshieldError } from '../core/errors.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Log } from './log.ts'
import { answeredBy, attackOf } from './mitigation-case.ts'
import type { MitigationDesk } from './mitigation-desk.ts'

/** Undoes what restricts the source of a detection that its own observer denies. What cannot be kept stays in force until its end. */
export const letGo = ({ mitigations, log }: { readonly mitigations: Pick<MitigationDesk, 'active' | 'revert'>, readonly log: Log }) => async (detection: Detection, why: string): Promise<void> => {
  const wanted = attackOf(detection)
  const accused = mitigations.active.filter((mitigation) => answeredBy(mitigation) === wanted && mitigation.spec.subject !== 'anySource')
  for (const { metadata: { name } } of accused) {
    await mitigations.revert(name, { actor: 'autoshield', reason: 'WitnessesDisagree', why }).catch((thrown: unknown) => {
      log.warn({ mitigation: name, error: AutoshieldError.from(thrown).message }, 'a mitigation whose source is denied by its own observer could not be undone')
    })
  }
}
