import { ANNOTATIONS, DEFAULT_REVISION, LABELS, OBSERVER_CONTAINER } from '../../../src/core/injection/names.ts'
import { finding, named, type Change, type Rule } from '../change.ts'
import { textAt } from '../field.ts'
import { containersOf, injectionOf, oursIn, templatesOf, type PodTemplate } from '../pod-template.ts'

const OBSERVING: ReadonlySet<string> = new Set(['enabled', 'required'])
export const isObserved = (labels: Readonly<Record<string, string>>): boolean => OBSERVING.has(labels[LABELS.injection] ?? '')

/**
 * A pod or template that asks not to be observed, or by another injector than its namespace's, where it would be. An
 * unknown namespace may be one. Where the namespace requires an observer the injector puts it in all the same, and says so.
 */
export const optsOut: Rule = (change) => {
  const templates = change.operation === 'CREATE' || change.operation === 'UPDATE' ? templatesOf(change) : null
  const { home } = change
  if (templates === null || (home !== null && home.labels[LABELS.injection] !== 'enabled')) return []
  const { before, after } = templates
  const wayOut = waysOut(change).find(({ label, isOut }) => isOut(after.labels[label]) && !isOut(before?.labels[label]))
  if (wayOut === undefined) return []
  const { label, effect } = wayOut
  return [finding('OptsOut', `${after.path}metadata.labels has ${label}=${after.labels[label] ?? ''}, so ${effect}: remove the label, or label the namespace ${LABELS.injection}=required.`)]
}

interface WayOut { readonly label: string, readonly effect: string, readonly isOut: (value: string | undefined) => boolean }

function waysOut ({ home }: Change): readonly WayOut[] {
  const revision = home?.labels[LABELS.revision] ?? DEFAULT_REVISION
  return [
    { label: LABELS.inject, effect: 'nobody observes the pod', isOut: (value) => value === 'false' },
    // Told also where the pod has that injector's status, which nobody here can check.
    { label: LABELS.revision, effect: `the namespace's injector (revision ${revision}) leaves the pod alone`, isOut: (value) => value !== undefined && value !== revision },
  ]
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
