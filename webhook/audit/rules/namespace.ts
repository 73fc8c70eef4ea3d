import { isWeaker, modeOf } from '../../../src/core/admission/mode.ts'
import type { AdmissionFinding } from '../../../src/core/admission/entry.ts'
import { LABELS, POD_SECURITY_LABEL } from '../../../src/core/injection/names.ts'
import { finding, type Rule } from '../change.ts'
import { mapAt } from '../field.ts'
import { isObserved } from './injection.ts'

type Labels = Readonly<Record<string, string>>

/** Weakest first. A namespace without the label has the cluster's default, which is privileged unless somebody set another. */
const LEVELS = ['privileged', 'baseline', 'restricted']

/** Changes of the labels that say how a namespace's pods are watched and bound. */
export const namespaceLabels: Rule = (change) => {
  if (change.plural !== 'namespaces' || change.subresource !== '' || change.before === null || change.caller === 'own') return []
  const before = mapAt(change.before, 'metadata', 'labels')
  if (change.operation === 'DELETE') {
    return isObserved(before) && change.caller === 'somebody'
      ? [finding('NamespaceDeleted', `namespace ${change.name} is deleted with all its pods, which were observed: make sure that this was meant.`)]
      : []
  }
  if (change.operation !== 'UPDATE') return []
  const after = mapAt(change.after, 'metadata', 'labels')
  return [...injectionLabel(change.name, before, after), ...modeLabel(change.name, before, after), ...podSecurity(change.name, before, after)]
}

function injectionLabel (name: string, before: Labels, after: Labels): readonly AdmissionFinding[] {
  const [was, is] = [before[LABELS.injection], after[LABELS.injection]]
  if (was === undefined || !isObserved(before) || was === is || (was === 'enabled' && is === 'required')) return []
  const mend = `\`kubectl label --overwrite namespace ${name} ${LABELS.injection}=${was}\` puts it back.`
  if (isObserved(after)) return [finding('LabelRemoved', `metadata.labels: ${LABELS.injection} goes from required to enabled, so pods may opt out: ${mend}`, 'medium')]
  return [finding('LabelRemoved', `metadata.labels: ${LABELS.injection} goes from ${was} to ${is ?? 'nothing'}, so new pods are not observed: ${mend}`)]
}

function modeLabel (name: string, before: Labels, after: Labels): readonly AdmissionFinding[] {
  const [was, is] = [modeOf(before), modeOf(after)]
  if (!isWeaker(is, was)) return []
  return [finding('AdmissionWeakened', `metadata.labels: ${LABELS.admission} goes from ${was} to ${is}: \`kubectl label --overwrite namespace ${name} ${LABELS.admission}=${was}\` puts it back.`)]
}

function podSecurity (name: string, before: Labels, after: Labels): readonly AdmissionFinding[] {
  const [was, is] = [before[POD_SECURITY_LABEL] ?? '', after[POD_SECURITY_LABEL] ?? '']
  const [high, low] = [LEVELS.indexOf(was), Math.max(0, LEVELS.indexOf(is))]
  if (high <= low) return []
  return [finding('PodSecurityLowered', `metadata.labels: ${POD_SECURITY_LABEL} goes from ${was} to ${is === '' ? 'nothing' : is}: \`kubectl label --overwrite namespace ${name} ${POD_SECURITY_LABEL}=${was}\` puts it back.`)]
}
