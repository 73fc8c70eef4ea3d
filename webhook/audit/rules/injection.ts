import { ANNOTATIONS, LABELS, OBSERVER_CONTAINER } from '../../../src/core/injection/names.ts'
import { finding, named, type Change, type Rule } from '../change.ts'
import { textAt } from '../field.ts'
import { containersOf, injectionOf, oursIn, templatesOf, type PodTemplate } from '../pod-template.ts'

const OBSERVING: ReadonlySet<string> = new Set(['enabled', 'required'])
export const isObserved = (labels: Readonly<Record<string, string>>): boolean => OBSERVING.has(labels[LABELS.injection] ?? '')

/** A pod or template that asks not to be observed, where it would be. An unknown namespace may be one. */
export const optsOut: Rule = (change) => {
  const templates = change.operation === 'CREATE' || change.operation === 'UPDATE' ? templatesOf(change) : null
  if (templates === null || (change.home !== null && !isObserved(change.home.labels))) return []
  const { before, after } = templates
  if (after.labels[LABELS.inject] !== 'false' || before?.labels[LABELS.inject] === 'false') return []
  return [finding('OptsOut', `${after.path}metadata.labels has ${LABELS.inject}=false, so nobody observes the pod: remove the label, or label the namespace ${LABELS.injection}=required.`)]
}

/** Only the injector writes a status, and only where a pod is made. A template's is of a manifest that was injected by hand, and its shape is all that can be told of it. */
function isTrue ({ plural, operation, hasTrueStatus }: Change, before: PodTemplate | null, after: PodTemplate): boolean {
  if (injectionOf(after) === null) return false
  if (plural !== 'pods') return true
  return operation === 'CREATE' ? hasTrueStatus ?? true : after.annotations[ANNOTATIONS.status] === before?.annotations[ANNOTATIONS.status]
}

/** A status that is not true, or a name of ours without one. */
export const forged: Rule = (change) => {
  const templates = change.operation === 'CREATE' || change.operation === 'UPDATE' ? templatesOf(change) : null
  if (templates === null || change.caller === 'own') return []
  const { before, after } = templates
  if (isTrue(change, before, after)) return []
  const text = after.annotations[ANNOTATIONS.status]
  if (text !== undefined && text !== before?.annotations[ANNOTATIONS.status]) {
    return [finding('ForgedStatus', `${after.path}metadata.annotations has ${ANNOTATIONS.status}, but no observer as the injector makes it: remove the annotation, and the injector writes it.`)]
  }
  const known = new Set(before === null ? [] : oursIn(before).map(({ path }) => path))
  const taken = oursIn(after).map(({ path }) => path).filter((path) => !known.has(path))
  return taken.length === 0 ? [] : [finding('NameTaken', `${named(taken)} has a name that is AutoShield's, without an injection behind it: choose another name.`)]
}

/** What of an injected pod nobody but AutoShield changes. */
export const observerChanged: Rule = (change) => {
  const templates = change.operation === 'UPDATE' && change.caller !== 'own' ? templatesOf(change) : null
  const earlier = templates?.before ?? null
  if (templates === null || earlier === null || injectionOf(earlier) === null) return []
  const [before, after] = [factsOf(earlier), factsOf(templates.after)]
  const changed = [...before].filter(([what, value]) => after.get(what) !== value).map(([what]) => what)
  return changed.length === 0 ? [] : [finding('ObserverChanged', `${named(changed)} of an injected pod was changed or taken out: put it back, or delete the pod so that it is injected anew.`)]
}

const factsOf = (template: PodTemplate): ReadonlyMap<string, string | undefined> => new Map([
  ...[ANNOTATIONS.status, ANNOTATIONS.authorities].map((name) => [`${template.path}metadata.annotations[${name}]`, template.annotations[name]] as const),
  ...containersOf(template).filter(({ name }) => name === OBSERVER_CONTAINER).map(({ path, fields }) => [`${path}.image`, textAt(fields, 'image')] as const),
])
