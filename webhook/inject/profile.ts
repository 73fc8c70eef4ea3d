import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import type { InjectionProfile } from '../../src/core/injection/decision.ts'
import { ANNOTATIONS, POD_SECURITY_LABEL } from '../../src/core/injection/names.ts'
import { FORCED_NATIVE_SIDECAR_MINOR, INJECTED_SOURCES, type InjectedSource, type InjectionContext, NATIVE_SIDECAR_MINOR, POD_SECURITY_LEVELS, type PodSecurityLevel } from '../../src/core/injection/settings.ts'
import type { PodProxy } from '../../src/core/injection/pod-proxy.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import { finding, quote } from './finding.ts'
import { applicationContainers, isJson, type PodShape } from './pod-shape.ts'
import { chooseProxy } from './proxy.ts'

/** Sources that each level admits, the one that sees most first. Those of INJECTED_SOURCES run today. `als` is a matter of the proxy. */
export const ADMITTED = {
  privileged: ['ebpf', 'packet', 'sockdiag'],
  baseline: ['packet', 'sockdiag'],
  restricted: ['sockdiag'],
} as const satisfies Record<PodSecurityLevel, readonly string[]>

/** Least privilege first: an author may go down from what the level gives, never up. */
const privilege = (source: InjectedSource): number => INJECTED_SOURCES.indexOf(source)

export interface ChosenProfile {
  readonly profile: InjectionProfile
  readonly findings: readonly AdmissionFinding[]
}

/** The source and the form of the observer, and the proxy beside it, each with its reason. */
export function chooseProfile (pod: PodShape, namespace: Namespace, context: InjectionContext): ChosenProfile {
  const { level, basis } = enforcedLevel(pod, namespace, context)
  const proxy = chooseProxy(pod, namespace, level, context.settings)
  const { source, why, findings } = chooseSource(pod, level, basis, proxy.proxy)
  const form = chooseForm(pod, context)
  return {
    profile: { source, level, form: form.form, why: proxy.why === null ? why : `${why}; ${proxy.why}`, ...proxy.proxy === null ? {} : { proxy: proxy.proxy } },
    findings: [...findings, ...form.findings, ...proxy.findings],
  }
}

/**
 * Which level the injected container must keep to.
 *
 * | label on the namespace | setting | the pod's own containers | level |
 * | --- | --- | --- | --- |
 * | privileged, baseline, restricted | any | any | the label's |
 * | anything else | any | any | restricted: that is how Pod Security reads it |
 * | none | privileged, restricted | any | the operator's word |
 * | none | baseline | one may escalate its privileges | baseline |
 * | none | baseline | none may | restricted |
 *
 * Without a label the level comes from the API server's AdmissionConfiguration, which nobody can read from inside, and
 * an observer must never get a pod refused. The shape of baseline passes at privileged, too; only an enforced
 * `restricted` would refuse it. A pod with a container that does not forbid privilege escalation is refused there
 * with or without us, so beside it the shape of baseline cannot do harm. Beside a pod that may be fit for
 * `restricted` we keep to `restricted`.
 */
function enforcedLevel (pod: PodShape, namespace: Namespace, { settings }: InjectionContext): { level: PodSecurityLevel, basis: string } {
  const label = namespace.labels[POD_SECURITY_LABEL]
  if (label !== undefined) {
    const level = POD_SECURITY_LEVELS.find((known) => known === label)
    return level === undefined
      ? { level: 'restricted', basis: `the namespace's label ${POD_SECURITY_LABEL}=${quote(label)} is no level and counts as restricted, which` }
      : { level, basis: `Pod Security ${level} (namespace label)` }
  }
  const unlabelled = `the namespace has no label ${POD_SECURITY_LABEL} and`
  if (settings.defaultPodSecurity !== 'baseline') return { level: settings.defaultPodSecurity, basis: `${unlabelled} the setting defaultPodSecurity=${settings.defaultPodSecurity}` }
  return applicationContainers(pod).some(mayEscalate)
    ? { level: 'baseline', basis: `${unlabelled} the pod itself does not keep to restricted, so the shape of baseline` }
    : { level: 'restricted', basis: `${unlabelled} the pod may have to keep to restricted, which` }
}

function mayEscalate ({ securityContext }: { readonly securityContext?: unknown }): boolean {
  return !(isJson(securityContext) && securityContext['allowPrivilegeEscalation'] === false)
}

/**
 * | annotation `autoshield.dev/source` | proxy | source |
 * | --- | --- | --- |
 * | none, or the best that the level admits | any | that: `packet`, or `sockdiag` where Pod Security is restricted |
 * | `als` | every TCP connection is redirected to it | `als`, with no privilege |
 * | `als` | explicit, or none | the best, finding BadAnnotation: all that the pod calls, and its own ports, would be unseen |
 * | another that needs less than the best | any | that |
 * | anything else | any | the best, finding BadAnnotation |
 *
 * A proxy tells its log to the observer whatever the source: it counts what restrictions do. It does not see half-open attempts, raw
 * scans, UDP and ICMP, so its log is never taken in place of packets unasked.
 */
function chooseSource (pod: PodShape, level: PodSecurityLevel, basis: string, proxy: PodProxy | null): { source: InjectedSource, why: string, findings: readonly AdmissionFinding[] } {
  const admitted: readonly string[] = ADMITTED[level]
  const best = INJECTED_SOURCES.findLast((source) => admitted.includes(source)) ?? 'sockdiag'
  const unbuilt = admitted.slice(0, admitted.indexOf(best))
  const why = `${basis} admits ${best}${unbuilt.length === 0 ? '' : `; ${unbuilt.join(' and ')} would see more and is not built yet`}`
  const asked = pod.annotations[ANNOTATIONS.source]
  if (asked === undefined || asked === best) return { source: best, why, findings: [] }
  const source = INJECTED_SOURCES.find((known) => known === asked)
  const place = `annotation ${ANNOTATIONS.source}=`
  const bad = (message: string): { source: InjectedSource, why: string, findings: readonly AdmissionFinding[] } => ({ source: best, why, findings: [finding('BadAnnotation', `${place}${message} Taken: ${best}.`)] })
  if (source === undefined) return bad(`${quote(asked)} names no source that can be injected; write ${INJECTED_SOURCES.join(' or ')}, or remove it.`)
  if (source === 'als' && proxy?.mode !== 'redirect') return bad('als needs a proxy that every TCP connection is redirected to, and this pod gets none; remove it.')
  if (privilege(source) >= privilege(best)) return bad(`${source} asks for more than Pod Security ${level} gives; remove it, or have the namespace's level changed.`)
  const unseen = source === 'als' ? ', and neither half-open attempts nor UDP are seen' : ''
  return { source, why: `the pod's annotation ${ANNOTATIONS.source} asks for ${source}, less than it could have${unseen}: ${why}`, findings: [] }
}

/** An annotation chooses where the operator left it open (`auto`) and the cluster can do it; a native sidecar where nothing speaks against it. */
function chooseForm (pod: PodShape, { settings, cluster }: InjectionContext): { form: InjectionProfile['form'], findings: readonly AdmissionFinding[] } {
  // An older cluster, or an older node of it, takes the sidecar for an init container that never ends, and the pod would hang.
  const least = settings.sidecar === 'native' ? FORCED_NATIVE_SIDECAR_MINOR : NATIVE_SIDECAR_MINOR
  const able = cluster.major > 1 || cluster.minor >= least
  const form = able && settings.sidecar !== 'container' ? 'native' : 'container'
  const asked = pod.annotations[ANNOTATIONS.sidecar]
  if (asked === undefined || asked === form) return { form, findings: [] }
  const place = `annotation ${ANNOTATIONS.sidecar}=${quote(asked)}`
  const bad = (message: string): { form: InjectionProfile['form'], findings: readonly AdmissionFinding[] } => ({ form, findings: [finding('BadAnnotation', `${place} ${message} Taken: ${form}.`)] })
  if (asked !== 'native' && asked !== 'container') return bad('is neither native nor container; correct or remove it.')
  if (asked === 'native') return bad(settings.sidecar === 'container' ? 'is not open to authors here: the operator set sidecar to container; remove it.' : `needs Kubernetes 1.${least}; remove it, or upgrade the cluster.`)
  if (settings.sidecar === 'native') return bad('is not open to authors here: the operator set sidecar to native; remove it.')
  if (endsByItself(pod)) return bad('would keep a pod that runs to an end from ending; remove it.')
  return { form: 'container', findings: [] }
}

/** A pod of a Job, or another that is done one day. */
export const endsByItself = ({ spec }: PodShape): boolean => spec['restartPolicy'] === 'Never' || spec['restartPolicy'] === 'OnFailure'
