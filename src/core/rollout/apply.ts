import type { Pod } from '../pod.ts'
import type { Action, Rule } from '../policy/rule.ts'
import { DEFAULT_APPROVAL } from '../safety/approval.ts'
import type { Detection, Endpoint } from '../verdict/detection.ts'
import { isCurrent, templateHash } from './basis.ts'
import { nameOf } from './ladder.ts'
import type { MeshPolicy, RestrictionTemplate } from './mesh-policy.ts'
import { membersOf, selects } from './scope.ts'

export const ownerOf = (name: string): string => `meshpolicy/${name}`
export const ruleIdOf = (policy: string, { name }: Pick<RestrictionTemplate, 'name'>): string => `${ownerOf(policy)}/${name}`

/** What a mesh policy makes of a detection in front of some of the pods in its scope. */
export interface Application {
  /** `meshpolicy/NAME`: the owner of the mitigations that follow. */
  readonly policy: string
  readonly rule: Rule
  /** Hash of the restriction as the policy asks for it. */
  readonly template: string
  /** In the rule: 0 enforces, 1 does not. They are two actions, so that each has its own answer and its own mitigation. */
  readonly actionIndex: 0 | 1
  readonly part: 'observe' | 'rehearse' | 'enforce'
  /** UIDs of the pods in front of which it restricts. */
  readonly victims: ReadonlySet<string>
}

/**
 * A restriction applies when a detection of its class is about a pod in scope that has a proxy, or about any (a fan-out),
 * and its source is one of `sources`:
 *
 *     stage   | in front of pods that enforce | in front of the others
 *     observe | -                             | observe: an alert
 *     shadow  | -                             | rehearse: a mitigation in shadow
 *     canary  | enforce                       | rehearse
 *     enforce | enforce                       | -
 *
 * It comes beside what the rules of the policy file do and takes nothing away from them: a policy that is only being
 * brought in must not loosen what protects today. One whose spec changed answers nothing until it went back.
 */
export function applicationsOf (policies: readonly MeshPolicy[], detection: Detection, pods: readonly Pod[], proxied: ReadonlySet<string>): readonly Application[] {
  const source = podOf(detection.source, pods)
  const target = podOf(detection.target, pods)
  return policies.filter(isCurrent).flatMap((policy) => {
    const templates = policy.spec.restrictions.filter((template) => template.class === detection.class && (template.sources === undefined || (source !== null && selects(template.sources, source))))
    if (templates.length === 0) return []
    const parts = partsOf(policy, pods, proxied).map(({ victims, ...part }) => ({ ...part, victims: concerned(victims, detection, source, target) })).filter(({ victims }) => victims.size > 0)
    return templates.flatMap((template) => parts.map((part): Application => ({ policy: ownerOf(policy.metadata.name), rule: ruleOf(policy, template), template: templateHash(template), ...part })))
  })
}

/** Whom a policy enforces in front of, and the others of its scope. */
export function partsOf (policy: MeshPolicy, pods: readonly Pod[], proxied: ReadonlySet<string>): Pick<Application, 'actionIndex' | 'part' | 'victims'>[] {
  const { enforcing, others } = membersOf(policy, pods, proxied)
  return [
    { actionIndex: 0, part: 'enforce', victims: enforcing },
    { actionIndex: 1, part: policy.status.stage === 'observe' ? 'observe' : 'rehearse', victims: others },
  ]
}

function concerned (victims: ReadonlySet<string>, { kind }: Detection, source: Pod | null, target: Pod | null): ReadonlySet<string> {
  if (kind === 'fan-out') return new Set([...victims].filter((uid) => uid !== source?.uid))
  return new Set(target !== null && victims.has(target.uid) ? [target.uid] : [])
}

/** Bound of pods whose own traffic one restriction changes: its source, and its one victim where it has one. */
const BLAST_RADIUS = 2

/** The description says where the rollout is, so that each step is decided anew: the hash of a rule is over all of it. */
function ruleOf ({ metadata: { name }, status }: MeshPolicy, template: RestrictionTemplate): Rule {
  const action = actionOf(template)
  const id = ruleIdOf(name, template)
  return {
    id,
    name: id,
    description: `${nameOf(status)} since ${status.since}`,
    enabled: true,
    attackClass: template.class,
    severity: 'high',
    confidenceThreshold: template.confidence,
    cooldownSeconds: 0,
    blastRadiusLimit: BLAST_RADIUS,
    approval: DEFAULT_APPROVAL,
    windowSeconds: 60,
    ttlSeconds: template.ttlSeconds,
    escalation: 'none',
    condition: null,
    actions: [action, action],
    line: 1,
  }
}

function actionOf ({ direction, ports: named, limit }: RestrictionTemplate): Action {
  const ports = named ?? 'any'
  return limit === undefined ? { type: 'network_policy', direction, ports } : { type: 'traffic_throttle', direction, ports, limit }
}

/** A uid binds: an address that another pod has by now is not taken for it. */
function podOf (endpoint: Endpoint | null, pods: readonly Pod[]): Pod | null {
  if (endpoint === null) return null
  return pods.find(({ uid, addresses }) => endpoint.uid === undefined ? addresses.includes(endpoint.address) : uid === endpoint.uid) ?? null
}
