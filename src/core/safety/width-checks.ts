import { decide, fails, ofRestriction, passes } from './hearing.ts'
import { mostOf } from './workload-share.ts'

export const blastRadius = ofRestriction(({ request }) => {
  const pods = request.blastRadius.length
  const words = `it touches ${pods} pod${pods === 1 ? '' : 's'}`
  return decide(pods <= request.blastRadiusLimit, `${words}, at most ${request.blastRadiusLimit} allowed`, `${words}, more than the ${request.blastRadiusLimit} that the rule allows`)
})

/** `mostOf` has the table. */
export const workloadShare = ofRestriction(({ request: { workloads }, settings: { maxShareOfWorkload } }) => {
  const over = workloads.find((share) => share.restricted + share.more > mostOf(share, maxShareOfWorkload))
  if (over === undefined) return passes('enough ready pods of each workload stay as they are')
  return fails(`it would make ${over.restricted + over.more} of the ${over.ready} ready pods of ${over.workload} restricted, more than the ${mostOf(over, maxShareOfWorkload)} that may be at a time`)
})

/** Fewer conversations than this are no share of anything. */
const FEW = 20

/**
 *     conversations known | seen   | cut / seen          | passes
 *     no                  | -      | -                   | yes: it is said
 *     yes                 | few    | -                   | yes
 *     yes                 | enough | at most the setting | yes
 *     yes                 | enough | more                | no
 */
export const trafficShare = ofRestriction(({ request: { traffic }, settings: { maxShareOfTraffic } }) => {
  if (traffic === null) return passes('it cuts nothing but what its detection names')
  const { namespace, seen, cut } = traffic
  if (seen < FEW) return passes(`${seen} conversations were seen in ${namespace} lately, too few to speak of a share`)
  const words = `it would cut ${cut} of the ${seen} conversations seen in ${namespace} lately beside the attack`
  return decide(cut <= seen * maxShareOfTraffic, words, `${words}, more than the share of ${maxShareOfTraffic} that may be`)
})
