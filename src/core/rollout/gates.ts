import { errorsRisen } from './errors-risen.ts'
import type { Evidence, Group, MeshPolicy } from './mesh-policy.ts'

/** `trouble`: it does not only wait; the rollout is held or taken back for it. */
export interface Gate { readonly name: string, readonly state: 'met' | 'missing' | 'trouble', readonly figure: string }

/** Of the legitimate connections of a step, how many may be stopped. That of a whole step: a first denial among few is no share yet. */
export const budgetOf = ({ gates }: MeshPolicy['spec'], { enforcing, others }: Evidence): number =>
  Math.floor(gates.maxLegitimateDenials * Math.max(enforcing.attempts + others.attempts, gates.minAttempts))

/** What the evidence of the present step says to each thing that `step` asks for, whatever holds the rollout. All met: it goes on if nobody holds it. */
export function gatesOf ({ spec, status }: Pick<MeshPolicy, 'spec' | 'status'>, nowMs: number): readonly Gate[] {
  const { gates } = spec
  const { stage, since, evidence } = status
  const { enforcing, others, podsSeen, inSync, refusal } = evidence
  const [pods, attempts, stopped] = [enforcing.pods + others.pods, enforcing.attempts + others.attempts, enforcing.stopped + others.stopped]
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(since)) / 1000))
  const needed = Math.ceil(gates.minPodShare * pods)
  const asked = (name: string, met: boolean, figure: string): Gate => ({ name, state: met ? 'met' : 'missing', figure })
  const feared = (name: string, come: boolean, figure: string): Gate => ({ name, state: come ? 'trouble' : 'met', figure })
  const canary = stage === 'canary'
  return [
    asked('Proxies in sync', pods > 0 && inSync >= pods, pods === 0 ? 'no pod in scope has a proxy' : `${inSync} of ${pods} have taken their newest configuration`),
    asked('Long enough', seconds >= gates.minSeconds, `${Math.min(seconds, gates.minSeconds)} of ${gates.minSeconds} s`),
    asked('Enough traffic', attempts >= gates.minAttempts, `${attempts} of ${gates.minAttempts} legitimate connections seen`),
    asked('At enough pods', pods > 0 && podsSeen >= gates.minPodShare * pods, `seen at ${podsSeen} of ${pods} pods, ${needed} needed`),
    ...(canary ? [asked('A control group', enforcing.attempts > 0 && (others.attempts > 0 || others.pods === 0), `${enforcing.attempts} connections to enforcing pods, ${others.attempts} to the others`)] : []),
    ...(stage === 'observe'
      ? []
      : [
          asked('Something was stopped', (canary ? enforcing : others).tried >= gates.minTried, `${(canary ? enforcing : others).tried} of ${gates.minTried} attempts met a restriction of it${canary ? ' at enforcing pods' : ' in shadow'}`),
          feared('Legitimate traffic passes', stopped > budgetOf(spec, evidence), `${stopped} legitimate attempts stopped or to be stopped, at most ${budgetOf(spec, evidence)} may be`),
          feared('No proxy refused it', refusal !== undefined, refusal ?? 'none did'),
        ]),
    ...(canary ? [feared('Errors no higher', errorsRisen(enforcing, others, gates.maxErrorRise), `${failed(enforcing)} failed at enforcing pods, ${failed(others)} at the others`)] : []),
  ]
}

const failed = ({ failed, attempts }: Group): string => `${failed} of ${attempts}`
