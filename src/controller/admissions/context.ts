import { cut } from '../../core/admission/bounds.ts'
import type { AdmissionEntry } from '../../core/admission/entry.ts'
import { SEVERITIES, type Severity } from '../../core/admission/finding.ts'
import type { AdmissionNote } from '../../core/admission/note.ts'
import type { AdmissionContext } from '../../ports/admission.ts'
import type { PodName } from '../../ports/directories.ts'
import { BoundedMap } from './bounded-map.ts'

interface Noted {
  readonly atMs: number
  readonly plural: string
  readonly name: string
  readonly uid: string
  readonly note: AdmissionNote
}

/** How long before an attack something is still of interest. */
const REACH_MS = 60 * 60_000
const MAX_NAMESPACES = 1_000
const MAX_PER_NAMESPACE = 256
const MAX_SHOWN = 10
const MAX_TEXT = 600

/** How pods are named after what makes them (kube-controller-manager; a generated suffix is five characters). */
const POD_SUFFIXES: Readonly<Record<string, RegExp>> = {
  deployments: /^-[a-z0-9]{1,10}-[a-z0-9]{5}$/,
  replicasets: /^-[a-z0-9]{5}$/,
  daemonsets: /^-[a-z0-9]{5}$/,
  statefulsets: /^-\d+$/,
  jobs: /^-(\d+-)?[a-z0-9]{5}$/,
  cronjobs: /^-\d+-(\d+-)?[a-z0-9]{5}$/,
}
/** What of a namespace concerns every pod in it. */
const FOR_ALL_PODS: ReadonlySet<string> = new Set(['namespaces', 'networkpolicies', 'ciliumnetworkpolicies'])

/** Findings of the last while, by namespace, for detections to show. What there is no room for goes: the mildest, then the oldest. */
export class PodContext implements AdmissionContext {
  readonly #byNamespace = new BoundedMap<string, Noted[]>(MAX_NAMESPACES)

  remember ({ at, user, resource, namespace, name, uid, findings }: AdmissionEntry): void {
    const plural = resource.split('/')[2] ?? ''
    const home = plural === 'namespaces' ? name : namespace
    if (findings.length === 0 || home === '' || (POD_SUFFIXES[plural] === undefined && plural !== 'pods' && !FOR_ALL_PODS.has(plural))) return
    const noted = this.#byNamespace.get(home) ?? []
    for (const { severity, message } of findings) {
      noted.push({ atMs: Date.parse(at), plural, name, uid, note: { at, actor: user, text: cut(`${plural}/${name}: ${message}`, MAX_TEXT), severity } })
    }
    while (noted.length > MAX_PER_NAMESPACE) noted.splice(leastOf(noted), 1)
    this.#byNamespace.set(home, noted)
  }

  contextOf (pod: PodName, atMs: number): readonly AdmissionNote[] {
    const found = (this.#byNamespace.get(pod.namespace) ?? []).filter((noted) => noted.atMs >= atMs - REACH_MS && concerns(noted, pod))
    while (found.length > MAX_SHOWN) found.splice(leastOf(found), 1)
    return found.sort((a, b) => a.atMs - b.atMs).map(({ note }) => note)
  }
}

function concerns ({ plural, name, uid }: Noted, pod: PodName): boolean {
  if (FOR_ALL_PODS.has(plural)) return true
  // A StatefulSet's pod keeps its name through many lives: an entry that knows its uid is of that life alone.
  if (plural === 'pods') return uid === '' || pod.uid === '' ? name === pod.name : uid === pod.uid
  return pod.name.startsWith(name) && (POD_SUFFIXES[plural]?.test(pod.name.slice(name.length)) ?? false)
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity)

/** Index of the mildest, and of those the oldest. */
function leastOf (noted: readonly Noted[]): number {
  let least = 0
  for (const [index, { atMs, note }] of noted.entries()) {
    const other = noted[least]
    if (other === undefined) continue
    const difference = rank(note.severity) - rank(other.note.severity)
    if (difference < 0 || (difference === 0 && atMs < other.atMs)) least = index
  }
  return least
}
