import { Document, isMap, isSeq, type YAMLMap } from 'yaml'
import { connectionsOf } from './flow-record.ts'
import { endName, type TriedGroup } from './group-tried.ts'
import { tellWatched, watchedOf, type WatchedPod } from './watched.ts'
import { policyObject, type RecommendedPolicy, type RecommendedRule, type Recommendation } from './recommend.ts'

/** What the comments say beside the policies. */
export interface Support {
  /** Unix time. */
  readonly sinceMs: number
  readonly nowMs: number
  /** How long the namespace's pods were observed. */
  readonly watched: readonly WatchedPod[]
  /** The newest part, held out: how long it is, what policies made of the rest would have cut of it, of how many flows. Null where there is too little. */
  readonly heldOut: { readonly ms: number, readonly cut: readonly TriedGroup[], readonly flows: number } | null
  /** Pods of the namespace that exist and were not seen, `NAME`; null where nobody could be asked. */
  readonly unseen: readonly string[] | null
}

/** Lines of one kind in the head, at most. */
const MAX_LINES = 20
const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16) + 'Z'

/** The policies as YAML, with what supports them as comments. For a person to read and apply. */
export function recommendationYaml (recommendation: Recommendation, support: Support): string {
  const { policies } = recommendation
  const head = headLines(recommendation, support).map((line) => `# ${safe(line)}\n`).join('')
  return head + policies.map((policy) => `---\n${documentOf(policy, support)}`).join('')
}

function headLines ({ namespace, policies, without, leftOut, supporting }: Recommendation, { sinceMs, nowMs, watched, heldOut, unseen }: Support): string[] {
  const all = watchedOf(watched)
  const of = (why: 'failed' | 'suspicious'): string[] => leftOut.filter((one) => one.why === why).map(({ record }) =>
    `  ${endName(record.source)} -> ${endName(record.destination)} port ${record.port}: ${connectionsOf(record)} connections, ${record.failed} failed`)
  return [
    `NetworkPolicies for namespace ${namespace}: ${policies.length}, from ${supporting.length} flows seen from ${time(sinceMs)} to ${time(nowMs)}. All of these pass.`,
    'Read them, try them (`autoshield policy replay FILE`), then apply them. What did not happen in that time is not allowed.',
    all.sinceMs === null
      ? 'How long its pods were observed is not known here.'
      : `Observed: ${tellWatched(all)}, since ${time(all.sinceMs)}. What happens more rarely than that is not in here.`,
    'DNS (pods k8s-app=kube-dns in kube-system) is allowed to all of them, whether it was seen or not.',
    ...heldOutLines(heldOut),
    ...without.length === 0 ? [] : ['No policy for:', ...without.map(({ workload, why }) => `  ${workload.name}: ${why === 'no labels' ? 'its pods share no label that outlives a release' : `without an observer of its own: ${workload.pods.filter(({ uid }) => !workload.observed.has(uid)).map(({ name }) => name).join(', ')}`}`)],
    ...unseen === null || unseen.length === 0 ? [] : [`Pods that were not seen at all: ${unseen.join(', ')}`],
    ...section('Left out, for it may be part of an attack that was detected:', of('suspicious')),
    ...section('Left out, for no attempt succeeded:', of('failed')),
  ]
}

function heldOutLines (heldOut: Support['heldOut']): string[] {
  if (heldOut === null) return ['Self-check: too little was seen to hold a part of it out.']
  const [minutes, cut] = [Math.round(heldOut.ms / 60_000), heldOut.cut.reduce((sum, { connections }) => sum + connections, 0)]
  return section(`Self-check: policies made without the newest ${minutes} minutes would have cut ${cut} connections of these (${heldOut.flows} flows).`,
    heldOut.cut.map(({ source, destination, protocol, port, connections }) => `  ${source} -> ${destination} ${protocol} ${port}: ${connections}`), true)
}

const section = (title: string, lines: readonly string[], always = false): string[] =>
  lines.length === 0 && !always ? [] : [title, ...lines.slice(0, MAX_LINES), ...lines.length > MAX_LINES ? [`  and ${lines.length - MAX_LINES} more`] : []]

function documentOf (policy: RecommendedPolicy, { sinceMs, nowMs, watched }: Support): string {
  const { workload, ingress, egress, labels } = policy
  const document = new Document(policyObject(policy), { aliasDuplicateObjects: false })
  const uids = new Set(workload.pods.map(({ uid }) => uid))
  const own = watched.filter(({ uid }) => uids.has(uid))
  const shared = workload.selector?.shared ?? []
  document.commentBefore = comment([
    `${workload.namespace}/${workload.name}: ${workload.pods.length} ${workload.pods.length === 1 ? 'pod' : 'pods'}, each observed by itself, from ${time(sinceMs)} to ${time(nowMs)}`,
    ...own.length === 0 ? [] : [tellWatched(watchedOf(own))],
    ...shared.length === 0 ? [] : [`Its labels (${Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(',')}) also select ${[...new Set(shared.map(({ name }) => name))].join(', ')}.`],
  ])
  annotate(document, 'ingress', ingress)
  annotate(document, 'egress', egress)
  const rules = document.getIn(['spec', 'egress'])
  if (isSeq(rules)) commentOn(rules.items.at(-1), ['DNS'])
  return document.toString()
}

function annotate (document: Document, side: 'ingress' | 'egress', rules: readonly RecommendedRule[]): void {
  const items = document.getIn(['spec', side])
  if (!isSeq(items)) return
  for (const [at, { who, ports }] of rules.entries()) {
    commentOn(items.items[at], [`${who}: ${ports.map(({ protocol, port, connections }) => `${connections} connections on ${protocol} ${port}`).join(', ')}`])
  }
}

function commentOn (item: unknown, lines: readonly string[]): void {
  if (isMap(item)) (item satisfies YAMLMap).commentBefore = comment(lines)
}

const comment = (lines: readonly string[]): string => lines.map((line) => ` ${safe(line)}`).join('\n')
/** Names come from the cluster: none may end a comment. */
const safe = (text: string): string => text.replace(/\p{Cc}|[\u2028\u2029]/gu, '?')
