import { type Finding, orOk, problem, warning } from './finding.ts'
import { selects, selectsEverything } from '../kubernetes/label-selector.ts'
import { isFail, seesPods, type WebhookEntry } from './webhook-entry.ts'

/** Who answers a webhook's calls. */
export interface BackEnd {
  readonly namespace: string
  readonly service: string
  readonly namespaceLabels: Readonly<Record<string, string>>
  /** Labels of the pods behind the Service; empty where there is none. */
  readonly podLabels: readonly Readonly<Record<string, string>>[]
  readonly ready: number
}

const CHECK = 'WebhookDeadlock'

/**
 * A webhook with failurePolicy Fail that is asked about the pods that would answer it cannot come back once they are all
 * gone; one that is asked about kube-system takes DNS and the network with it (kyverno/kyverno#16177, istio/istio#5576).
 */
export function checkDeadlock (entries: readonly WebhookEntry[], backEnds: readonly BackEnd[], kubeSystem: Readonly<Record<string, string>>): readonly Finding[] {
  const findings = entries.filter((entry) => isFail(entry) && seesPods(entry)).flatMap((entry) => {
    const { service } = entry.clientConfig
    const backEnd = backEnds.find(({ namespace, service: name }) => namespace === service?.namespace && name === service.name)
    const who = `The webhook ${entry.name} of ${entry.configuration} has failurePolicy Fail`
    return [...ownBackEnd(entry, backEnd, who), ...clusterPods(entry, kubeSystem, who)]
  })
  return orOk(findings, CHECK, 'No webhook with failurePolicy Fail is asked about its own back end\'s pods or about kube-system.')
}

function ownBackEnd (entry: WebhookEntry, backEnd: BackEnd | undefined, who: string): readonly Finding[] {
  if (backEnd === undefined) return []
  const { namespace, service, ready, namespaceLabels, podLabels } = backEnd
  const asksItself = selects(entry.namespaceSelector, namespaceLabels) &&
    (podLabels.length === 0 ? selectsEverything(entry.objectSelector) : podLabels.some((labels) => selects(entry.objectSelector, labels)))
  const mend = `Exclude the namespace by a namespaceSelector on kubernetes.io/metadata.name NotIn [${namespace}], or set failurePolicy: Ignore`
  if (ready === 0 && asksItself) {
    return [problem(CHECK, `${who}, no pod of its Service ${namespace}/${service} is ready, and none can start, because it is asked about them.`, `${mend}; until then: kubectl delete ${entry.kind}webhookconfiguration ${entry.configuration}.`)]
  }
  if (ready === 0) return [problem(CHECK, `${who}, and no pod of its Service ${namespace}/${service} is ready: every pod that it is asked about is refused.`, `Look at the pods: kubectl get pods --namespace ${namespace}.`)]
  return asksItself ? [warning(CHECK, `${who} and is asked about the pods of its own Service ${namespace}/${service}: once all of them are gone, none can start.`, `${mend}.`)] : []
}

function clusterPods (entry: WebhookEntry, kubeSystem: Readonly<Record<string, string>>, who: string): readonly Finding[] {
  if (!selects(entry.namespaceSelector, kubeSystem) || !selectsEverything(entry.objectSelector)) return []
  return [warning(CHECK, `${who} and is asked about every pod of kube-system: while it is away, neither DNS nor the network's pods can start.`, 'Exclude kube-system by a namespaceSelector on kubernetes.io/metadata.name.')]
}
