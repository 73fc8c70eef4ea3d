import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import type { DecideInjection, InjectionDecision, SkipReason } from '../../src/core/injection/decision.ts'
import { ANNOTATIONS, DEFAULT_REVISION, LABELS } from '../../src/core/injection/names.ts'
import { FORCED_NATIVE_SIDECAR_MINOR, type InjectionContext, NATIVE_SIDECAR_MINOR } from '../../src/core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../../src/core/kubernetes/object.ts'
import { applyInjection } from './apply.ts'
import { changesToObserver } from './changes.ts'
import { finding, quote } from './finding.ts'
import { otherSystem } from './other-system.ts'
import { tracesOf } from './ours.ts'
import { type PodShape, readPod } from './pod-shape.ts'
import { chooseProfile, endsByItself } from './profile.ts'
import { chooseResources } from './resources.ts'

/**
 * Whether a pod gets an observer, and how. Pure and total: whatever the pod holds, there is an answer.
 * The first row that fits decides. "ns" is the namespace's label `autoshield.dev/injection`.
 *
 * | row | when | answer |
 * | --- | --- | --- |
 * | 1 | the object is no pod | skip MalformedPod |
 * | 2 | the namespace is not known | skip NamespaceUnknown |
 * | 3 | the settings exclude the namespace | skip NamespaceExcluded |
 * | 4 | annotation `kubernetes.io/config.mirror` | skip StaticPod |
 * | 5 | `hostNetwork: true` | skip HostNetwork |
 * | 6 | `os.name`, node selector or required node affinity say another system than Linux | skip OtherSystem |
 * | 7 | the revision of pod or namespace (or `default`) is not ours; where ns is required, the namespace's alone counts | skip OtherRevision |
 * | 8 | pod label "false", ns not required | skip PodOptedOut |
 * | 9 | pod label neither "true" nor "false", ns neither enabled nor required | skip BadAnnotation, finding BadAnnotation |
 * | 10 | pod label absent, ns disabled | skip NamespaceOptedOut |
 * | 11 | pod label absent, ns with another value than the three | skip BadAnnotation, finding BadAnnotation |
 * | 12 | pod label absent, ns absent | skip NamespaceNotLabelled |
 * | | from here on an observer is asked for: ns enabled or required, or pod label "true" | |
 * | 13 | a container or volume of our name is not ours (ours.ts) | skip NameTaken, finding NameTaken |
 * | 14 | the pod runs to an end and native sidecars cannot be had | skip WouldNotEnd |
 * | 15 | no authority is known | skip NotReady |
 * | 16 | the observer is there as it should be | skip AlreadyInjected |
 * | 17 | with ours, the annotations would be beyond the API server's bound | skip TooLarge |
 * | 18 | it is there otherwise, or in part | inject Repaired, finding ObserverChanged where somebody changed it |
 * | 19 | it is not there | inject Injected |
 *
 * Findings beside the answer: OptsOut where ns is required and the pod's label (row 8) or its own revision (row 7) would
 * have kept it out; BadAnnotation for a pod label that means nothing where the namespace decides, and for a source, form or quantity
 * that cannot be or is too wide (the best that is allowed is taken: a silly annotation neither widens anything nor
 * sheds the observer); ForgedStatus where row 19 meets a status or authorities.
 *
 * A pod that only names a Node as its owner is no static pod: whoever may create pods may write that.
 */
export const decideInjection: DecideInjection = ({ pod, namespace }, context) => {
  const shape = readPod(pod)
  if (shape === null) return skip('MalformedPod', 'object', 'metadata, spec or one of their lists is missing or of another type', 'Have the API server check the object: kubectl apply --dry-run=server')
  if (namespace === null) return skip('NamespaceUnknown', 'namespace', 'the namespace is not known yet', 'Restart the pod when the webhook is ready; autoshield coverage lists what was missed')
  const answer = keptOut(shape, namespace, context) ?? asked(shape, namespace)
  return answer.kind === 'skip' ? answer : observe({ pod, shape, namespace, context, ...answer })
}

type Skip = Extract<InjectionDecision, { kind: 'skip' }>
/** That an observer is asked for, and by what. */
interface Asked { readonly kind: 'asked', readonly decidedBy: string, readonly findings: readonly AdmissionFinding[] }

const skip = (reason: SkipReason, decidedBy: string, message: string, mend: string, findings: readonly AdmissionFinding[] = []): Skip =>
  ({ kind: 'skip', reason, message: `${message}.`, mend: `${mend}.`, decidedBy, findings })

const show = (value: unknown): string => quote(value).slice(1, -1)

/** Rows 3 to 7: what keeps a pod out whatever is asked for. */
function keptOut ({ spec, labels, annotations }: PodShape, namespace: Namespace, { settings }: InjectionContext): Skip | null {
  if (settings.excludedNamespaces.includes(namespace.name)) {
    return skip('NamespaceExcluded', `setting excludedNamespaces: ${namespace.name}`, `the settings exclude namespace ${namespace.name}`, 'Run the pod in another namespace, or take this one out of excludedNamespaces')
  }
  if (annotations[MIRROR] !== undefined) return skip('StaticPod', `annotation ${MIRROR}`, 'the kubelet runs this pod from a file of its node', 'Run it as a DaemonSet to have it observed')
  if (spec['hostNetwork'] === true) return skip('HostNetwork', 'field spec.hostNetwork=true', 'the pod shares its node\'s network, whose traffic is not its own', 'Take hostNetwork out to have it observed')
  const system = otherSystem(spec)
  if (system !== null) return skip('OtherSystem', `field ${system}`, 'the pod does not run on Linux', 'Nothing is to be done: observers run on Linux')
  const ofNamespace = namespace.labels[LABELS.revision]
  const ofPod = namespace.labels[LABELS.injection] === 'required' ? undefined : labels[LABELS.revision]
  const revision = ofPod ?? ofNamespace ?? DEFAULT_REVISION
  if (revision === settings.revision) return null
  const decidedBy = ofPod !== undefined ? `pod label ${LABELS.revision}=${show(ofPod)}` : ofNamespace !== undefined ? `namespace label ${LABELS.revision}=${show(ofNamespace)}` : `no label ${LABELS.revision}`
  return skip('OtherRevision', decidedBy, `revision ${show(revision)} of the injector is asked for, and this is ${settings.revision}`, `Set the label ${LABELS.revision}=${settings.revision}, or look whether the other revision runs`)
}
const MIRROR = 'kubernetes.io/config.mirror'

/** Rows 8 to 12. */
function asked ({ labels }: PodShape, namespace: Namespace): Asked | Skip {
  const ofPod = labels[LABELS.inject]
  const ofNamespace = namespace.labels[LABELS.injection]
  const byPod = `pod label ${LABELS.inject}=${show(ofPod)}`
  const byNamespace = `namespace label ${LABELS.injection}=${show(ofNamespace)}`
  const bad = ofPod === undefined || ofPod === 'true' || ofPod === 'false'
    ? []
    : [finding('BadAnnotation', `label ${LABELS.inject}=${quote(ofPod)} of the pod is neither "true" nor "false" and counts as absent; correct or remove it.`)]
  if (ofNamespace === 'required') return { kind: 'asked', decidedBy: byNamespace, findings: [...bad, ...optsOut(labels, namespace)] }
  if (ofPod === 'false') return skip('PodOptedOut', byPod, 'the pod\'s label keeps it out', `Remove the label ${LABELS.inject} from the pod's template`)
  if (ofPod === 'true') return { kind: 'asked', decidedBy: byPod, findings: [] }
  if (ofNamespace === 'enabled') return { kind: 'asked', decidedBy: byNamespace, findings: bad }
  if (bad.length > 0) return skip('BadAnnotation', byPod, `the pod's label ${LABELS.inject}=${show(ofPod)} is neither "true" nor "false"`, `Set ${LABELS.inject} to "true" to have it observed, or remove it`, bad)
  if (ofNamespace === 'disabled') return skip('NamespaceOptedOut', byNamespace, `namespace ${namespace.name} keeps its pods out`, enable(namespace))
  if (ofNamespace === undefined) return skip('NamespaceNotLabelled', `no label ${LABELS.injection}`, `neither the pod nor namespace ${namespace.name} asks for an observer`, enable(namespace))
  const message = `label ${LABELS.injection}=${show(ofNamespace)} of namespace ${namespace.name} is none of enabled, disabled and required`
  return skip('BadAnnotation', byNamespace, message, enable(namespace), [finding('BadAnnotation', `${message}; correct it.`)])
}

const enable = ({ name }: Namespace): string => `Run "kubectl label --overwrite namespace ${name} ${LABELS.injection}=enabled"`

function optsOut (labels: PodShape['labels'], namespace: Namespace): readonly AdmissionFinding[] {
  const revision = namespace.labels[LABELS.revision] ?? DEFAULT_REVISION
  const tried = [[LABELS.inject, labels[LABELS.inject] === 'false'], [LABELS.revision, labels[LABELS.revision] !== undefined && labels[LABELS.revision] !== revision]] as const
  return tried.filter(([, tries]) => tries).map(([label]) =>
    finding('OptsOut', `label ${label}=${quote(labels[label])} would keep the pod out, but namespace ${namespace.name} requires an observer; it is injected. Remove the label.`))
}

/** Of all annotations of an object, keys and values (TotalAnnotationSizeLimitB of k8s.io/apimachinery/pkg/api/validation). */
const MAX_ANNOTATION_BYTES = 262_144

function annotationBytes (pod: KubernetesObject): number {
  const annotations = Object.entries(readPod(pod)?.annotations ?? {})
  return annotations.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0), 0)
}

interface Wanted extends Asked { readonly pod: KubernetesObject, readonly shape: PodShape, readonly namespace: Namespace, readonly context: InjectionContext }

/** Rows 13 to 19. */
function observe ({ pod, shape, namespace, context, decidedBy, findings: sofar }: Wanted): InjectionDecision {
  const chosen = chooseProfile(shape, namespace, context)
  const findings = [...sofar, ...chosen.findings, ...chooseResources(shape, context.settings).findings]
  const traces = tracesOf(shape, context.settings)
  if (traces.kind === 'foreign') {
    const message = `${traces.what} of the pod is not ours, and two of one name cannot be`
    return skip('NameTaken', traces.what, message, `Give the pod's own ${traces.what} another name`, [...findings, finding('NameTaken', `${message}: the pod is not observed. Rename it.`)])
  }
  if (chosen.profile.form === 'container' && endsByItself(shape)) {
    return skip('WouldNotEnd', `field spec.restartPolicy=${show(shape.spec['restartPolicy'])}`, 'the pod runs to an end, and an ordinary container beside it would keep it from ending', `Native sidecars have it observed: setting sidecar: auto from Kubernetes 1.${NATIVE_SIDECAR_MINOR} on, sidecar: native from 1.${FORCED_NATIVE_SIDECAR_MINOR} on if all nodes have it, too`, findings)
  }
  if (context.authorities.trim() === '') return skip('NotReady', decidedBy, 'there is no certificate authority yet that the observer could believe', 'Start the controller, which makes one, and restart the pod', findings)
  const injected = applyInjection(pod, chosen, context)
  if (injected === pod) return skip('AlreadyInjected', decidedBy, 'the observer is there as it should be', 'Nothing is to be done', findings)
  const bytes = annotationBytes(injected)
  if (bytes > MAX_ANNOTATION_BYTES) {
    const own = annotationBytes(pod)
    return skip('TooLarge', 'field metadata.annotations', `the pod's annotations have ${own} bytes and the observer's add ${bytes - own}, more than the ${MAX_ANNOTATION_BYTES} that the API server takes of one pod`, 'Shorten the pod\'s annotations, or move what they hold to a ConfigMap', findings)
  }
  const { profile } = chosen
  if (traces.kind === 'ours') return { kind: 'inject', reason: 'Repaired', profile, decidedBy, findings: [...findings, ...changesToObserver(shape, injected)] }
  const forged = [ANNOTATIONS.status, ANNOTATIONS.authorities].filter((name) => shape.annotations[name] !== undefined)
    .map((name) => finding('ForgedStatus', `annotation ${name} came with a pod that has no observer; it is overwritten. Remove it from the template.`))
  return { kind: 'inject', reason: 'Injected', profile, decidedBy, findings: [...findings, ...forged] }
}
