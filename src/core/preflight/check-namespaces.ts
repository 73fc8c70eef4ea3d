import type { InjectionDecision } from '../injection/decision.ts'
import { DEFAULT_REVISION, LABELS } from '../injection/names.ts'
import { ADMISSION_MODES } from '../admission/entry.ts'
import type { Namespace } from '../kubernetes/object.ts'
import { type Finding, ok, orOk, problem, warning } from './finding.ts'

const KNOWN = ['enabled', 'disabled', 'required']
export const isLabelled = ({ labels }: Namespace): boolean => labels[LABELS.injection] === 'enabled' || labels[LABELS.injection] === 'required'
export const revisionOf = ({ labels }: Namespace): string => labels[LABELS.revision] ?? DEFAULT_REVISION

/** `served`: the revisions that are registered; null before the installation, when nobody can serve any. */
export function checkLabels (namespaces: readonly Namespace[], served: ReadonlySet<string> | null): readonly Finding[] {
  const findings = namespaces.flatMap((namespace) => {
    const { name, labels } = namespace
    const injection = labels[LABELS.injection]
    const mode = labels[LABELS.admission]
    return [
      ...(injection !== undefined && !KNOWN.includes(injection)
        ? [warning('NamespaceLabels', `Namespace ${name} has ${LABELS.injection}=${injection}, which is none of ${KNOWN.join(', ')}, so its pods are not observed.`, `kubectl label --overwrite namespace ${name} ${LABELS.injection}=enabled`)]
        : []),
      ...(mode !== undefined && !ADMISSION_MODES.some((known) => known === mode)
        ? [warning('NamespaceLabels', `Namespace ${name} has ${LABELS.admission}=${mode}, which is none of ${ADMISSION_MODES.join(', ')} and counts as audit.`, `kubectl label --overwrite namespace ${name} ${LABELS.admission}=audit`)]
        : []),
      ...(served !== null && isLabelled(namespace) && !served.has(revisionOf(namespace))
        ? [problem('NamespaceLabels', `Namespace ${name} asks for revision ${revisionOf(namespace)} of the injector, which nobody serves, so its pods are not observed.`, `Install that revision, or set ${LABELS.revision} to one of: ${[...served].join(', ') || 'none is registered'}.`)]
        : []),
    ]
  })
  return orOk(findings, 'NamespaceLabels', `${namespaces.filter(isLabelled).length} of ${namespaces.length} namespaces are labelled, and every label means something.`)
}

/** `decisions`: what injection makes of an ordinary pod in each labelled namespace. */
export function checkPodSecurity (decisions: readonly { readonly namespace: Namespace, readonly decision: InjectionDecision }[]): readonly Finding[] {
  if (decisions.length === 0) return [ok('PodSecurity', 'No namespace is labelled yet: kubectl label namespace NAME autoshield.dev/injection=enabled')]
  return decisions.map(({ namespace: { name }, decision }) => decision.kind === 'inject'
    ? ok('PodSecurity', `Namespace ${name} enforces ${decision.profile.level}: its observers use ${decision.profile.source} (${decision.profile.why.replace(/\.$/, '')}).`)
    : warning('PodSecurity', `In namespace ${name} an ordinary pod gets no observer: ${decision.message}`, decision.mend))
}
