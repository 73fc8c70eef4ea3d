import type { Mitigation, PodRef } from './mitigation.ts'

/**
 * The mitigation without the addresses that its pods do not have any more: a restriction binds to the pod, and whoever is given
 * its address next is not meant. The same object where all are still theirs. `ownerOf` gives the UID of the pod that has an
 * address in canonical text now; null: nobody has it, or it stands for several.
 */
export function withOwnAddresses (mitigation: Mitigation, ownerOf: (address: string) => string | null): Mitigation {
  const { spec } = mitigation
  const { subject, victims } = spec
  if (subject === 'anySource') return mitigation
  const owns = ({ uid, addresses }: PodRef): boolean => addresses.every((address) => ownerOf(address) === uid)
  if (owns(subject) && victims.every(owns)) return mitigation
  const own = (pod: PodRef): PodRef => ({ ...pod, addresses: pod.addresses.filter((address) => ownerOf(address) === pod.uid) })
  return { ...mitigation, spec: { ...spec, subject: own(subject), victims: victims.map(own) } }
}
