import { workloadKey } from '../pod.ts'
import { EVERY_POD, MAX_VICTIMS, podRef, type MitigationSpec } from '../mitigation/mitigation.ts'
import type { Task } from '../errand/errand.ts'
import { noticeOf } from '../errand/notice.ts'
import type { Pod } from '../pod.ts'
import type { Action, Rule } from '../policy/rule.ts'
import type { Detection } from '../verdict/detection.ts'
import { carried } from './carried.ts'
import { needOfNode } from '../safety/spare-node.ts'
import { endsOf, isReal, type Ends } from './ends.ts'
import { alert, eviction, expiresAt, lifeOf, nodeTaint, reasonOf, webhookRequest } from './objects.ts'
import { planIsolation } from './plan-isolation.ts'
import { HALF_OPEN, limitEverybody, planThrottle, type Throttling } from './plan-throttle.ts'
import type { Plan, PlanContext } from './plan.ts'
import type { PlannedObject } from './objects.ts'

/** All that the plan of one action is made from. */
interface Case {
  readonly rule: Rule
  readonly detection: Detection
  readonly context: PlanContext
  readonly ends: Ends
}

/** A case in which there is somebody to restrict, or a victim to restrict at. */
interface Restrictable extends Case {
  readonly subject: Pod | 'anySource'
}

const NOTHING = { spec: null, objects: [], targets: [], blastRadius: [] } as const

/** Plans one action of a fired rule in full. Decides nothing: safety judges the plan, the controller carries it out. */
export function planAction (rule: Rule, action: Action, detection: Detection, context: PlanContext): Plan {
  const given: Case = { rule, detection, context, ends: endsOf(detection, context) }
  switch (action.type) {
    case 'alert_only': return message(alert(action, rule, detection), { type: 'alert', channel: action.channel, priority: action.priority, notice: noticeOf(rule, detection) }, 'AlertOnly', `Tells channel ${JSON.stringify(action.channel)}; restricts nothing.`)
    case 'custom_webhook': return message(webhookRequest(action, rule, detection), { type: 'webhook', url: action.url, method: action.method, notice: noticeOf(rule, detection) }, 'RuleMatched', `Sends ${action.method} to ${action.url}; restricts nothing.`)
    case 'network_policy':
    case 'pod_isolation':
    case 'traffic_throttle':
    case 'pod_termination':
    case 'node_quarantine':
      return restrict(given, action)
  }
}

type Restriction = Exclude<Action, { type: 'alert_only' | 'custom_webhook' }>

function message (object: PlannedObject, errand: Task, reason: Plan['reason'], text: string): Plan {
  return { ...NOTHING, errand, objects: [object], subject: null, reason, message: text, undo: 'Cannot be taken back: a message that was sent stays sent.' }
}

/**
 *     subject   | real | action             | plan
 *     nobody    | -    | -                  | UnknownTarget
 *     anySource | -    | traffic_throttle   | limit at the victim
 *     anySource | -    | any other          | CannotEnforce: cutting everybody off would finish what the flood began
 *     a pod     | no   | -                  | ForgedSource
 *     a pod     | yes  | network_policy, traffic_throttle on what goes to a Service with nothing behind it | CannotEnforce
 *     a pod     | yes  | any other          | each in its own way
 */
function restrict (given: Case, action: Restriction): Plan {
  const { ends: { subject, source, sourceName, targetName, target }, context } = given
  const refuse = (reason: Plan['reason'], text: string): Plan => ({ ...NOTHING, subject, reason, message: text, undo: 'Nothing was done, so there is nothing to undo.' })
  if (subject === null) return refuse('UnknownTarget', `${sourceName} is no known pod, so nothing restricts it.`)
  const known: Restrictable = { ...given, subject }
  if (subject === 'anySource') {
    if (action.type === 'traffic_throttle' && target.kind === 'pods') return limitEverybody(throttling(known, action), target.pods)
    return refuse('CannotEnforce', `The sources of this traffic are not known to be real, and to cut ${targetName} off from everybody would finish what the flood began; limit it at the victim instead.`)
  }
  if (source === null || !isReal(context)) return refuse('ForgedSource', `${sourceName} may be forged, so nothing restricts it.`)
  switch (action.type) {
    case 'network_policy':
    case 'traffic_throttle':
      if (target.kind === 'nothing') return refuse('CannotEnforce', `Nothing is behind ${targetName}, so there is no way to cut.`)
      return action.type === 'network_policy' ? deny(known, source, action) : planThrottle(throttling(known, action))
    case 'pod_isolation': return isolate(known, source)
    case 'pod_termination': return {
      ...NOTHING,
      errand: { type: 'eviction', pod: { uid: source.uid, namespace: source.namespace, name: source.name }, gracePeriodSeconds: action.gracePeriodSeconds },
      objects: [eviction(source, action.gracePeriodSeconds)],
      blastRadius: [source],
      subject,
      reason: 'RuleMatched',
      message: `Evicts ${sourceName}, once what is known of it is kept.`,
      undo: 'Cannot be undone: its owner, where it has one, starts another pod.',
    }
    case 'node_quarantine': return quarantine(known, source, action.effect)
  }
}

function deny (given: Restrictable, source: Pod, action: Extract<Action, { type: 'network_policy' }>): Plan {
  const { ends: { target, sourceName, targetName }, detection } = given
  const { direction, ports } = action
  const where = ports === 'any' ? '' : ` on port ${ports.join(', ')}`
  const plan = carried({
    spec: specOf(given, { direction, ports, action: 'deny' }),
    placing: 'by-direction',
    context: given.context,
    source,
    what: `Denies ${sourceName} its way to ${targetName}${where}`,
    undo: `Lifts the denial at every proxy and deletes what was applied; ${sourceName} can reach ${targetName} again.`,
  })
  const touchesTargets = given.context.cluster === undefined ? direction !== 'egress' : plan.spec?.policies?.some((place) => place.startsWith('ingress')) === true
  const blastRadius = touchesTargets && target.kind === 'pods' ? [source, ...target.pods] : [source]
  if (detection.class !== 'SYN_FLOOD' || plan.spec === null || plan.spec.policies !== undefined) return { ...plan, blastRadius }
  return { ...plan, blastRadius, reason: 'CannotEnforce', message: `${plan.message} ${HALF_OPEN}, or the NetworkPolicy where a cluster applies it.` }
}

function isolate (given: Restrictable, source: Pod): Plan {
  const { ends: { sourceName } } = given
  return planIsolation({
    spec: { ...specOf({ ...given, ends: { ...given.ends, target: { kind: 'anybody' } } }, { direction: 'both', ports: 'any', action: 'deny' }), life: lifeOf(given.rule, 'whole') },
    placing: 'isolation',
    context: given.context,
    source,
    what: `Cuts ${sourceName} off from everybody, both ways, and keeps it for a look`,
    undo: `Lifts the denial at every proxy and deletes what was applied; ${sourceName} can talk again.`,
  })
}

/** All that the plan of a limit is made from. */
const throttling = (given: Restrictable, { direction, ports, limit }: Extract<Action, { type: 'traffic_throttle' }>): Throttling =>
  ({ spec: { ...specOf(given, { direction, ports, action: 'limit' }), limit }, limit, context: given.context, subject: given.subject, ends: given.ends, class: given.detection.class })

function quarantine (given: Restrictable, source: Pod, effect: NonNullable<MitigationSpec['node']>['effect']): Plan {
  const { context } = given
  const { node } = source
  if (node === '') {
    return { ...NOTHING, subject: null, reason: 'UnknownTarget', message: `The node of ${source.namespace}/${source.name} is not known.`, undo: 'Nothing was done, so there is nothing to undo.' }
  }
  const need = context.nodes === undefined ? null : needOfNode(node, context.nodes)
  return {
    ...NOTHING,
    spec: need === null ? nodeSpec(given, { name: node, effect }) : null,
    objects: [nodeTaint(node, effect, context.mitigation)],
    targets: [`node/${node}`],
    blastRadius: effect === 'NoExecute' ? context.pods.filter((pod) => pod.node === node && !stays(pod)) : [],
    subject: source,
    reason: need === null ? 'RuleMatched' : 'NodeNeeded',
    message: need === null ? `Taints node ${node} with ${effect} and lets nothing new onto it.` : `Does not quarantine: ${need}.`,
    undo: `Takes the taint off node ${node} and lets pods onto it again, unless it was cordoned before.`,
  }
}

/** Pods of DaemonSets, and those that the kubelet runs from files, tolerate every taint. */
const stays = ({ workload }: Pod): boolean => workload != null && /^(?:DaemonSet|Node)\//.test(workload)

function nodeSpec ({ rule, detection, context }: Case, node: NonNullable<MitigationSpec['node']>): MitigationSpec {
  return {
    owner: { policy: context.policy, rule: rule.id, hash: context.ruleHash },
    detection: detection.id,
    subject: 'anySource',
    victims: [],
    direction: 'both',
    ports: 'any',
    action: 'quarantine',
    node,
    mode: context.mode,
    expiresAt: expiresAt(rule, context.nowMs),
    life: lifeOf(rule, 'whole'),
    reason: reasonOf(rule, detection),
  }
}

/** Everybody that the subject could turn to; its own namespace first, for that is where it most likely does. */
function everyOther (subject: Pod | 'anySource', { pods, spared }: PlanContext): readonly Pod[] {
  if (subject === 'anySource') return []
  const near = (pod: Pod): number => pod.namespace === subject.namespace ? 0 : 1
  return pods.filter(({ uid, namespace }) => uid !== subject.uid && !spared.includes(namespace)).toSorted((left, right) => near(left) - near(right)).slice(0, MAX_VICTIMS)
}

function specOf ({ rule, detection, context, ends, subject }: Restrictable, what: Pick<MitigationSpec, 'direction' | 'action'> & { ports: Extract<Action, { type: 'network_policy' }>['ports'] }): MitigationSpec {
  const { target } = ends
  const victims = target.kind === 'pods' ? target.pods.slice(0, MAX_VICTIMS) : target.kind === 'anybody' ? everyOther(subject, context) : []
  const followed = subject === 'anySource' ? [] : target.kind === 'anybody' ? [EVERY_POD] : [...new Set(victims.flatMap((victim) => workloadKey(victim) ?? []))]
  return {
    owner: { policy: context.policy, rule: rule.id, hash: context.ruleHash },
    detection: detection.id,
    subject: subject === 'anySource' ? subject : podRef(subject),
    victims: victims.map(podRef),
    ...(followed.length > 0 && { workloads: followed }),
    ...(target.kind === 'pods' && target.service !== null && { services: [target.service] }),
    ...(target.kind === 'addresses' && { destinations: [...target.addresses] }),
    ...what,
    ports: what.ports === 'any' ? 'any' : [...what.ports],
    mode: context.mode,
    expiresAt: expiresAt(rule, context.nowMs),
    life: lifeOf(rule, 'as-needed'),
    reason: reasonOf(rule, detection),
  }
}
