import type { KubernetesObject } from '../kubernetes/object.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Finding, ok, orOk, problem, warning } from './finding.ts'

export const COMPONENTS = ['webhook', 'controller', 'detector'] as const

/** One of AutoShield's own pods. */
export interface OwnPod {
  readonly name: string
  /** The label `app.kubernetes.io/component`. */
  readonly component: string
  readonly ready: boolean
  readonly restarts: number
  readonly waiting: string
  readonly images: readonly string[]
}

const Pod = Compile(Type.Object({
  spec: Type.Object({ containers: Type.Array(Type.Object({ name: Type.String(), image: Type.Optional(Type.String()) })) }),
  status: Type.Optional(Type.Object({
    conditions: Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String() }))),
    containerStatuses: Type.Optional(Type.Array(Type.Object({
      restartCount: Type.Optional(Type.Number()),
      state: Type.Optional(Type.Object({ waiting: Type.Optional(Type.Object({ reason: Type.Optional(Type.String()) })) })),
    }))),
  })),
}))

export function readOwnPod (pod: KubernetesObject): OwnPod | null {
  if (!Pod.Check(pod)) return null
  const { conditions = [], containerStatuses = [] } = pod.status ?? {}
  return {
    name: pod.metadata.name,
    component: pod.metadata.labels?.['app.kubernetes.io/component'] ?? '',
    ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    restarts: containerStatuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    waiting: containerStatuses.flatMap(({ state }) => state?.waiting?.reason ?? []).join(', '),
    images: pod.spec.containers.flatMap(({ image }) => image ?? []),
  }
}

/** A pod that had to begin anew so often does not do its work. */
const MANY_RESTARTS = 3

export function checkOwnPods (pods: readonly OwnPod[], namespace: string): readonly Finding[] {
  const look = (name: string): string => `kubectl describe pod --namespace ${namespace} ${name}; kubectl logs --previous --namespace ${namespace} ${name}`
  const findings = COMPONENTS.flatMap((component) => {
    const its = pods.filter((pod) => pod.component === component)
    if (its.length === 0) return [problem('OwnPods', `There is no pod of the ${component} in namespace ${namespace}.`, `kubectl get deployments --namespace ${namespace}; install or scale it.`)]
    return its.flatMap(({ name, ready, restarts, waiting }) => [
      ...(ready ? [] : [problem('OwnPods', `Pod ${name} is not ready${waiting === '' ? '' : ` (${waiting})`}.`, look(name))]),
      ...(restarts >= MANY_RESTARTS ? [warning('OwnPods', `Pod ${name} was restarted ${restarts} times.`, look(name))] : []),
    ])
  })
  const webhooks = pods.filter(({ component }) => component === 'webhook').length
  if (webhooks === 1) findings.push(warning('OwnPods', 'The webhook has one replica: while it restarts, pods start without an observer.', `kubectl scale --namespace ${namespace} deployment/autoshield-webhook --replicas=2`))
  return orOk(findings, 'OwnPods', `${pods.length} pods of ${COMPONENTS.join(', ')} are ready.`)
}

/** Everything of AutoShield is one image; `observer` is the one that new pods get. */
export function checkVersions (pods: readonly OwnPod[], observer: string | null): readonly Finding[] {
  const users = new Map<string, string[]>()
  const add = (image: string, who: string): unknown => users.set(image, [...new Set([...users.get(image) ?? [], who])])
  for (const { images, component } of pods) for (const image of images) add(image, component)
  if (observer !== null) add(observer, 'new observers')
  if (users.size <= 1) return [ok('Versions', `Every part runs ${[...users.keys()].join() || 'nothing'}.`)]
  const list = [...users].map(([image, who]) => `${image} (${who.join(', ')})`).join(', ')
  return [warning('Versions', `The parts run different images: ${list}.`, 'Let the rollout end, or set one image for all (helm upgrade); autoshield restart brings pods with older observers up to date.')]
}

export const checkEndpoints = (ready: number, service: string): Finding => {
  if (ready === 0) return problem('WebhookEndpoints', `The Service ${service} has no endpoint that is ready: pods start without an observer.`, 'Look at the webhook\'s pods, and whether the Service selects them: kubectl get endpointslices.')
  return ok('WebhookEndpoints', `The Service ${service} has ${ready} ${ready === 1 ? 'endpoint that is' : 'endpoints that are'} ready.`)
}

/** A configuration that should be there. */
export interface RegisteredFacts { readonly kind: string, readonly name: string, readonly found: 'ours' | 'foreign' | 'missing' }

/** `off`: whether the glass is broken. */
export function checkRegistered (configurations: readonly RegisteredFacts[], off: boolean, namespace: string): readonly Finding[] {
  if (off) return [problem('Registered', `Somebody broke the glass: namespace ${namespace} has the annotation autoshield.dev/webhooks=off, so nothing is injected and nothing is audited.`, `kubectl annotate namespace ${namespace} autoshield.dev/webhooks-`)]
  const findings = configurations.filter(({ found }) => found !== 'ours').map(({ kind, name, found }) => found === 'missing'
    ? problem('Registered', `The ${kind} ${name} is not there.`, 'The controller registers it as soon as there is a certificate and a replica that is ready; look at its log.')
    : problem('Registered', `The ${kind} ${name} has not our label app.kubernetes.io/managed-by=autoshield, so the controller leaves it alone.`, `Delete it: kubectl delete ${kind.toLowerCase()} ${name}`))
  return orOk(findings, 'Registered', `${configurations.map(({ name }) => name).slice(0, 1).join()} is registered for injection and audit.`)
}

/** What became of a pod that asked for an observer, in a dry run: nothing was created. */
export type Trial =
  | { readonly kind: 'injected', readonly namespace: string, readonly tookMs: number }
  | { readonly kind: 'not-injected', readonly namespace: string }
  | { readonly kind: 'refused', readonly namespace: string, readonly why: string }

export function checkTrial (trial: Trial): Finding {
  switch (trial.kind) {
    case 'injected': return ok('WebhookAnswers', `A pod created in namespace ${trial.namespace} (dry run) got its observer, in ${Math.round(trial.tookMs)} ms in all.`)
    case 'not-injected': return problem('WebhookAnswers', `A pod created in namespace ${trial.namespace} (dry run) got no observer: the API server cannot reach the webhook, does not believe it, or got no answer in time.`, 'Look at the API server\'s log for "failed calling webhook", at the webhook\'s log, and at NetworkPolicies or firewalls between the API server and port 8443 of the nodes.')
    case 'refused': return warning('WebhookAnswers', `Whether a pod gets an observer could not be tried in namespace ${trial.namespace}: ${trial.why}`, 'Mend what is named, or label a namespace in which pods can be created.')
  }
}
