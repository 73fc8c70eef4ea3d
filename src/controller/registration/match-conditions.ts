/** admissionregistration.k8s.io/v1 MatchCondition: the webhook is asked only where every expression (CEL) is true. */
export interface MatchCondition {
  readonly name: string
  readonly expression: string
}

/**
 * The kubelet's image of a static pod must stay as it is, or the API server refuses it; coverage names it all the same.
 * Pods that use their node's network do reach us: that they are skipped stands in the API server's own audit record.
 */
export const INJECTION_CONDITIONS: readonly MatchCondition[] = [
  { name: 'no-mirror-pods', expression: '!has(object.metadata.annotations) || !(\'kubernetes.io/config.mirror\' in object.metadata.annotations)' },
]

/**
 * What the audit is not asked about, because it follows from what it was asked about, or is in the trail already:
 * - a kubelet's last word on a pod whose deletion somebody else began (each deletion of a pod would come twice). All else
 *   that a node does is audited: a stolen kubelet credential shows;
 * - what controllers of kube-system write beside spec and labels (finalizers of a Job's pods, owners): many times a second
 *   in a large cluster, and nobody's wish. (A Deployment counts a change of its annotations as a generation, so the
 *   revision that its controller writes there is asked about.);
 * - our own controller's mitigations and policies, Cilium's too: they are in the trail with their reason, and a mitigation must
 *   not wait for our own webhook. Whatever else its account does is audited: a stolen token shows.
 */
export function auditConditions (ownNamespace: string): readonly MatchCondition[] {
  return [
    {
      name: 'no-last-word-of-kubelets',
      expression: '!(request.operation == \'DELETE\' && request.resource.resource == \'pods\' && \'system:nodes\' in request.userInfo.groups && has(oldObject.metadata.deletionTimestamp))',
    },
    {
      name: 'no-bookkeeping-of-controllers',
      expression: '!(request.operation == \'UPDATE\' && request.resource.resource != \'namespaces\' && \'system:serviceaccounts:kube-system\' in request.userInfo.groups' +
        ' && has(object.metadata.generation) && has(oldObject.metadata.generation) && object.metadata.generation == oldObject.metadata.generation' +
        ' && has(object.metadata.labels) == has(oldObject.metadata.labels) && (!has(object.metadata.labels) || object.metadata.labels == oldObject.metadata.labels))',
    },
    {
      name: 'no-work-of-our-own-controller',
      expression: `!(request.userInfo.username == 'system:serviceaccount:${ownNamespace}:autoshield-controller' && (request.resource.group == 'autoshield.dev' || request.resource.resource in ['networkpolicies', 'ciliumnetworkpolicies']))`,
    },
  ]
}
