import type { Logger } from 'pino'
import type { KubernetesMitigations } from '../adapters/kubernetes/mitigations.ts'
import { putBack } from '../adapters/kubernetes/put-back.ts'
import { undoAsked } from '../adapters/kubernetes/undo-asked.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { Loop } from '../ports/loop.ts'

export interface FollowMitigationsParts {
  readonly mitigations: Pick<KubernetesMitigations, 'onChange' | 'put' | 'list'>
  readonly loop: Pick<Loop, 'revert'>
  readonly audit: Pick<AuditTrail, 'append'>
  readonly log: Pick<Logger, 'warn'>
}

/** What people do to the objects of mitigations with kubectl: one in force that is deleted is put back, one that is annotated is undone. Both are in the trail. */
export function followMitigations ({ mitigations, loop, audit, log }: FollowMitigationsParts): Disposable {
  const following = [
    putBack(mitigations, (name, error) => {
      log.warn({ mitigation: name, error: error?.message }, error === null ? 'a mitigation in force was deleted and put back' : 'a deleted mitigation could not be put back')
      audit.append({
        actor: 'autoshield', action: 'mitigation.deleted', object: `mitigation/${name}`, reason: error === null ? 'Stored' : 'Rejected', detail: error === null ? { putBack: true } : { putBack: false, message: error.message },
      }).catch((thrown: unknown) => log.warn({ error: AutoshieldError.from(thrown).message }, 'a deleted mitigation is not in the audit trail'))
    }),
    undoAsked(mitigations, async (name, reason) => loop.revert(name, 'kubectl', reason).catch((thrown: unknown) => {
      log.warn({ mitigation: name, error: AutoshieldError.from(thrown).message }, 'a mitigation could not be undone as its object asks')
      throw thrown
    })),
  ]
  return { [Symbol.dispose]: () => { for (const one of following) one[Symbol.dispose]() } }
}
