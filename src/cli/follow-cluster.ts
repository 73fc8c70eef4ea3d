import type { Fleet } from '../../xds/fleet.ts'
import { proxySpecOf } from '../../xds/proxy-spec-of.ts'
import type { KubernetesMitigations } from '../adapters/kubernetes/mitigations.ts'
import type { KubernetesPods } from '../adapters/kubernetes/pods.ts'
import { withOwnAddresses } from '../core/mitigation/own-addresses.ts'

export interface FollowedCluster {
  readonly pods: Pick<KubernetesPods, 'byAddress' | 'list' | 'onChange'>
  readonly mitigations: Pick<KubernetesMitigations, 'list' | 'onChange'>
}

/**
 * Hands the fleet what the cluster asks for, now and whenever it differs, until disposed. Changes that come together, as
 * those of a list do, are one: the fleet is always handed the whole. Of a mitigation's addresses only those count that its
 * pods have now: nobody need amend it before the next pod with such an address is let through.
 */
export function followCluster (fleet: Pick<Fleet, 'setProxies' | 'apply'>, { pods, mitigations }: FollowedCluster): Disposable {
  const ownerOf = (address: string): string | null => pods.byAddress(address)?.uid ?? null
  const converge = (): void => {
    fleet.setProxies(pods.list().map(proxySpecOf).filter((spec) => spec !== null))
    fleet.apply(mitigations.list().filter(({ status }) => status.phase === 'active').map((mitigation) => withOwnAddresses(mitigation, ownerOf)))
  }
  let due: NodeJS.Immediate | null = null
  const soon = (): void => {
    due ??= setImmediate(() => {
      due = null
      converge()
    })
  }
  const following = new DisposableStack()
  following.use(pods.onChange(soon))
  following.use(mitigations.onChange(soon))
  following.defer(() => { if (due !== null) clearImmediate(due) })
  converge()
  return following
}
