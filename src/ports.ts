import type { Score } from './core/verdict/score.ts'
import type { Account } from './core/history/accounts.ts'
import type { FlowEnd, FlowRecord, FlowService } from './core/history/flow-record.ts'
import type { ObservedFlow } from './core/plan/check-plan.ts'
import type { FlowSighting } from './core/history/sighting.ts'
import type { Errand } from './core/errand/errand.ts'
import type { Outcome } from './core/errand/advance.ts'
import type { Detection, FeatureEvidence } from './core/verdict/detection.ts'
import type { Decision } from './core/policy/decision.ts'
import type { EvidenceManifest } from './core/errand/evidence.ts'
import type { Exception, ExceptionSpec, ExceptionStatus } from './core/exception/exception.ts'
import type { LeadershipStanding } from './core/leadership/standing.ts'
import type { RuleVerdict } from './core/policy/why.ts'
import type { ThreatPolicy, ThreatPolicyStatus } from './core/policy/threat-policy.ts'
import type { Mitigation } from './core/mitigation/mitigation.ts'
import type { Halt } from './core/safety/state.ts'
import type { PanicOrder } from './core/safety/panic-order.ts'
import type { ProtectedSet } from './core/safety/protected.ts'
import type { Command } from './core/rollout/advance.ts'
import type { Mark, MarkVerdict } from './core/feedback/mark.ts'
import type { Precision } from './core/feedback/precision.ts'
import type { ModelStanding } from './core/model/standing.ts'
import type { MeshPolicy, MeshPolicySpec, MeshPolicyStatus } from './core/rollout/mesh-policy.ts'
import type { OpenConnections } from './core/mitigation/open-connections.ts'
import type { RestrictionCount } from './core/mitigation/restriction-count.ts'
import type { PlanEffect } from './core/plan/effect.ts'
import type { PolicyKind, PolicyObject } from './core/plan/policy-object.ts'
import type { Cluster } from './core/plan/reach/reach.ts'
import type { Pod } from './core/pod.ts'
import type { AdmissionEntry } from './core/admission/entry.ts'
import type { AdmissionNote } from './core/admission/note.ts'
import type { Credentials, Identity } from './core/identity.ts'
import type { KubernetesObject, Namespace } from './core/kubernetes/object.ts'
import type { NodeFacts } from './core/kubernetes/node-facts.ts'
import type { Resource } from './core/kubernetes/resource.ts'

/** Wall clock in Unix milliseconds. */
export interface Clock {
  now: () => number
}

/** What a loaded, verified model says of itself. */
export interface ModelInfo {
  readonly version: string
  readonly classes: readonly string[]
  readonly contextColumns: readonly string[]
  /** Per class, in the order of `classes`: the probability at which one window is enough; 1 for BENIGN. */
  readonly thresholds: readonly number[]
  /** Medians of benign training windows, [key kind][step] -> 12 features; `usual` where a key has no history. */
  readonly usual: Readonly<Record<string, readonly number[]>>
}

/** Scores batches of tensors. Calls may block their thread, so a scorer lives in the detector's process. */
export interface Scorer extends AsyncDisposable {
  readonly model: ModelInfo
  /**
   * `tensors` is [count, 20, 12] and `contexts` [count, model.contextColumns.length], both row-major.
   * Resolves to [count, classes] probabilities, a fresh array that the caller owns.
   */
  score: (count: number, tensors: Float32Array, contexts: Float32Array) => Promise<Float32Array>
}

/** Traffic that the dashboard draws: one edge a pair, summed over one 15 s window. */
export interface TrafficEdge {
  readonly source: string
  readonly destination: string
  readonly packets: number
  readonly bytes: number
  readonly flows: number
}

/** Cumulative since the detector's start. */
export interface DetectorStats {
  readonly observers: number
  readonly packets: number
  readonly flows: number
  readonly windows: number
  readonly tensors: number
  readonly keys: number
  readonly dropped: number
  readonly malformed: number
}

/** `synced` opens every stream and says which model is behind the scores; it comes again before the first score of another. */
export type ScoreEvent =
  | { readonly type: 'synced', readonly model: ModelInfo }
  | { readonly type: 'scores', readonly scores: readonly Score[] }
  | { readonly type: 'traffic', readonly atMs: number, readonly edges: readonly TrafficEdge[], readonly stats: DetectorStats }
  | { readonly type: 'restrictions', readonly counts: readonly RestrictionCount[] }
  | { readonly type: 'flows', readonly sightings: readonly FlowSighting[] }
  | { readonly type: 'models', readonly standing: ModelStanding }

/** What the controller needs of the detectors. */
export interface ScoreSource {
  /** Live scores whose attack probability is at or above `floor`; with `everyKey`, also each key at each closed 15 s window. Reconnects by itself until aborted. */
  watch: (interest: { floor: number, everyKey: boolean }, signal: AbortSignal) => AsyncIterable<ScoreEvent>
  /** Which features made the score of `className`: each set to `usual` in turn and scored again. */
  explain: (score: Score, className: string, usual: readonly number[]) => Promise<readonly Omit<FeatureEvidence, 'usual' | 'usualFrom'>[]>
}

/** Who sees traffic now. */
export interface Reporters {
  /** SPIFFE IDs of the observers that are connected to the detector. Throws UNAVAILABLE where it does not answer. */
  reporters: () => Promise<ReadonlySet<string>>
}

/** Who owns an address. */
export interface PodDirectory {
  /** Null for an address that nobody has, or that stands for several. */
  byAddress: (address: string) => Pod | null
  /** Also a pod that has no address yet. */
  byUid: (uid: string) => Pod | null
  /** Those with an address. */
  list: () => readonly Pod[]
  /** Told of each pod that came, changed or went, after the directory shows it. Absent where pods neither come nor go. */
  onChange?: (listener: () => void) => Disposable
}

/** What no restriction may touch. */
export interface Protections {
  /** As far as the world is known at this moment; the same object while nothing changed. */
  now: () => ProtectedSet
}

/** Which address is a Service's. */
export interface ServiceDirectory {
  /** Null for one that is no Service's. */
  byAddress: (address: string) => FlowService | null
}

/** What one witness told of two ends at one port in one minute, with who had their addresses. */
export interface FlowAccount extends Omit<Account, 'source' | 'destination'> {
  readonly source: FlowEnd
  readonly destination: FlowEnd
}

/** Which recorded flows: those of a time, and of these only those with an end that is one of the pods (by UID), or in the namespace. */
export interface FlowQuery {
  /** Unix time. */
  readonly sinceMs: number
  /** Unix time; absent for now. */
  readonly untilMs?: number
  readonly pods?: readonly string[]
  readonly namespace?: string
}

export interface FlowsKept {
  /** Folded rows. */
  readonly rows: number
  /** Unix time of the oldest; null where there is none. */
  readonly sinceMs: number | null
  /** Rows that went before their time for want of room; accounts that came too late to be compared; accounts with ends that there was no room for. */
  readonly lost: { readonly room: number, readonly late: number, readonly ends: number }
}

/** What was seen, kept for a day, and bounded. */
export interface FlowLog {
  /** Resolves when they are kept. Rejects UNAVAILABLE where they cannot be. The same account twice counts once. */
  record: (accounts: readonly FlowAccount[]) => Promise<void>
  /** Merges what both ends have told by now, and lets go of what is too old or too much. To be called about once a minute. */
  settle: () => Promise<void>
  /** One record for two ends and a port, summed over the time; buckets of five minutes that reach into it count wholly. */
  records: (query: FlowQuery) => readonly FlowRecord[]
  kept: () => FlowsKept
}

/** What was seen, for whoever must know what a restriction would cost. */
export interface FlowHistory {
  /** TCP, UDP and SCTP to ports that are known, between addresses of now. With `pods`, by UID, only flows of these: a plan concerns few. */
  seen: (sinceMs: number, pods?: readonly string[]) => readonly ObservedFlow[]
}

/** A policy of ours as the API server has it. */
export interface OwnPolicy {
  readonly kind: PolicyKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  /** Name of the mitigation that it was made for. */
  readonly mitigation: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** What it asks for, as stored. */
  readonly spec: unknown
  /** Who, beside ourselves, wrote it last, by the name that the client gave; empty for nobody. */
  readonly editor: string
}

/** Who reaches whom in a cluster, by everybody's NetworkPolicies and on the pods of now. */
export interface ClusterReach {
  /** The same object while nothing changed; null while something of it has not been seen yet. */
  cluster: () => Cluster | null
  /** Why nothing can be judged: a policy that cannot be read, by name; null where all can. */
  trouble: () => string | null
  onChange: (listener: () => void) => Disposable
}

/** The objects by which mitigations hold in a cluster. Throws as `KubernetesApi` does. */
export interface OwnPolicies {
  list: () => readonly OwnPolicy[]
  /** Whether a policy of this name is there that is not ours. */
  isForeign: (namespace: string, name: string) => boolean
  /** Makes or amends it; seen by the next look. Throws CONFLICT where one of that name is not ours. */
  store: (policy: PolicyObject) => Promise<OwnPolicy>
  /** What is not there is removed already. */
  remove: (policy: Pick<OwnPolicy, 'kind' | 'namespace' | 'name' | 'uid'>) => Promise<void>
  /** Gives a pod these labels and takes back those that were given before. Throws CONFLICT or NOT_FOUND where the pod of this UID is gone. */
  mark: (pod: PodName, labels: Readonly<Record<string, string>>) => Promise<void>
  onChange: (listener: () => void) => Disposable
}

/** A store of the loop's objects. A write is durable when its promise resolves; a full disk rejects with UNAVAILABLE and changes nothing. */
export interface ObjectStore {
  detections: Collection<Detection>
  decisions: Collection<Decision>
  mitigations: Collection<Mitigation>
}
export interface Collection<T> {
  get: (id: string) => T | null
  /** Newest first, at most `limit`. */
  list: (query?: { limit?: number }) => readonly T[]
  put: (id: string, value: T) => Promise<void>
}

/** Mesh policies, and how far their rollouts have come. What is asked for is a person's, what became of it the controller's. */
export interface MeshPolicies {
  get: (name: string) => MeshPolicy | null
  /** By name. */
  list: () => readonly MeshPolicy[]
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the policy is gone. */
  tell: (name: string, status: MeshPolicyStatus) => Promise<MeshPolicy>
}

/** Threat policies of a cluster. What they ask for is a person's, what became of it the controller's. */
export interface ThreatPolicies {
  /** By name. */
  list: () => readonly ThreatPolicy[]
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the policy is gone. */
  tell: (name: string, status: ThreatPolicyStatus) => Promise<void>
  /** Told of each that came, changed or went, after the list shows it. */
  onChange: (listener: () => void) => Disposable
}

/** Exceptions: what is let be for a while. In a cluster they are objects, which kubectl writes as well. */
export interface Exceptions {
  /** By name. */
  list: () => readonly Exception[]
  /** Throws CONFLICT where there is one of that name, or no room for another. */
  add: (name: string, spec: ExceptionSpec, at: string) => Promise<Exception>
  /** False where there was none. */
  remove: (name: string) => Promise<boolean>
  /** Writes the status and leaves alone what is asked for. Throws NOT_FOUND where the exception is gone. */
  tell: (name: string, status: ExceptionStatus) => Promise<void>
  /** Told of each that came, changed or went, after the list shows it. */
  onChange: (listener: () => void) => Disposable
}

/** What may be asked of the rules in force. */
export interface Rulebook {
  /** Every rule, with what it makes of a detection as it was kept. */
  why: (detection: Detection) => readonly RuleVerdict[]
}

/** What people may ask of exceptions. */
export interface ExceptionBook {
  list: () => readonly Exception[]
  /** Holds at once, and ends the mitigations that it covers. Throws BAD_DATA with every problem of the spec, CONFLICT where the name is taken. */
  add: (name: string, spec: unknown, actor: string) => Promise<Exception>
  /** Gives it as it was. Throws NOT_FOUND. */
  remove: (name: string, actor: string, reason: string) => Promise<Exception>
}

/** Where no cluster holds them, and so no kubectl writes them. */
export interface EditableMeshPolicies extends MeshPolicies {
  /** Makes the policy, or changes what it asks for and leaves its status alone. Throws CONFLICT where there is no room for another. */
  ask: (name: string, spec: MeshPolicySpec, at: string) => Promise<MeshPolicy>
  /** What is not there is removed already. */
  remove: (name: string) => Promise<void>
  /** Puts back what was there before a change that did not hold. */
  restore: (policy: MeshPolicy) => Promise<void>
}

/** What people may ask of rollouts. */
export interface Rollouts extends Pick<MeshPolicies, 'get' | 'list'> {
  /** Throws BAD_DATA with every problem of the spec, CONFLICT where the cluster holds the policies. */
  apply: (name: string, spec: unknown, actor: string) => Promise<MeshPolicy>
  /** Removes the policy and ends what it made. Gives it as it was. Throws NOT_FOUND, or CONFLICT where the cluster holds the policies. */
  remove: (name: string, actor: string, reason: string) => Promise<MeshPolicy>
  /** Throws NOT_FOUND, or CONFLICT with what is in the way and the mend. */
  command: (name: string, command: Command, actor: string, reason: string) => Promise<MeshPolicy>
}

/** Small state that a part goes on from after a restart; each reader parses its own. */
export interface Checkpoints {
  /** What was saved last under this name, not yet parsed; undefined if nothing was. */
  load: (name: string) => unknown
  save: (name: string, value: unknown) => Promise<void>
}

/** Where the policy comes from; read anew every few seconds. Throws AutoshieldError where it cannot be read. */
export interface PolicySource {
  /** What people call it: the file's path. */
  readonly name: string
  read: () => Promise<string>
}

export interface AuditEntry {
  readonly sequence: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly reason: string
  readonly detail: Readonly<Record<string, unknown>>
  /** sha256 over the previous hash and this entry's canonical JSON. */
  readonly hash: string
}

/** The hash-chained trail of what was decided, done and undone. */
export interface AuditTrail {
  append: (entry: Omit<AuditEntry, 'sequence' | 'at' | 'hash'>) => Promise<AuditEntry>
  /** Newest first; `before` is a sequence, from which a reader goes on. */
  search: (query: { text?: string, actor?: string, action?: string, object?: string, sinceMs?: number, before?: number, limit?: number }) => readonly AuditEntry[]
}

/** What a proxy answered to the newest snapshot that it was sent. */
export interface ProxyStatus {
  readonly podUid: string
  readonly connected: boolean
  readonly version: string
  readonly state: 'in-sync' | 'pending' | 'rejected'
  /** Envoy's own words when rejected. */
  readonly message: string
  /** Names of the mitigations that the version carries. */
  readonly mitigations: readonly string[]
  /** When `state` or `version` last changed; ISO 8601. */
  readonly since: string
  /** Mitigations that the proxy refused, each in its own words, and that were therefore taken out of its snapshot again. */
  readonly refused: readonly { readonly mitigation: string, readonly message: string }[]
  /** Of `mitigations`, those that the proxy has taken, in this version or in one before. */
  readonly taken: readonly string[]
  /** Mitigations that this proxy cannot carry, wholly or in part, and why. */
  readonly shortfalls: readonly { readonly mitigation: string, readonly message: string }[]
  /** What becomes of open connections, by mitigation that enforces. */
  readonly openConnections: Readonly<Record<string, readonly OpenConnections[]>>
  /** What applications behind the proxy take for their clients' addresses: those, or the proxy's own. Absent where the proxy does not say. */
  readonly clientAddress?: { readonly kind: 'kept' | 'hidden', readonly why: string }
}

export interface ProxySnapshot {
  readonly version: string
  readonly resources: unknown
}

/** The controller's side of xDS: it hands over what should hold and hears what does. */
export interface ProxyFleet {
  /** The whole desired set; level-based, so the same set twice changes nothing. */
  apply: (mitigations: readonly Mitigation[]) => void
  /** False while nobody who serves proxies has told of them yet: then `statuses` says nothing about anything. */
  heard: () => boolean
  statuses: () => readonly ProxyStatus[]
  /** The resources, as JSON, that the proxy of this pod has or would get. Rejects UNAVAILABLE where nobody who serves it answers. */
  snapshot: (podUid: string) => ProxySnapshot | null | Promise<ProxySnapshot | null>
  onChange: (listener: (status: ProxyStatus) => void) => Disposable
}

/** A client that an xDS server refused, or several refusals of one peer. */
export interface ClientRefusal {
  /** Of the closed list in xds/refusal.ts. */
  readonly reason: string
  /** For whoever operates the client. */
  readonly details: string
  /** Address that the client came from. */
  readonly peer: string
  /** SPIFFE ID that the client proved; null where it proved none. */
  readonly identity: string | null
  /** Refusals that this stands for; more than 1 where there were more than are told one by one. The rest is that of the last. */
  readonly count: number
}

/** As its server numbered it: from 1, without a gap. */
export interface NumberedRefusal extends ClientRefusal {
  readonly sequence: number
  /** Unix time. */
  readonly atMs: number
}

/** Lists whose changes are told without what changed. */
export type FetchedList = 'errands' | 'exceptions' | 'threat-policies' | 'protected' | 'leadership'

/** What the console shows as it happens. */
export type LoopEvent =
  | { readonly type: 'traffic', readonly atMs: number, readonly edges: readonly TrafficEdge[], readonly stats: DetectorStats }
  | { readonly type: 'detection', readonly detection: Detection }
  | { readonly type: 'decision', readonly decision: Decision }
  | { readonly type: 'mitigation', readonly mitigation: Mitigation }
  | { readonly type: 'proxy', readonly status: ProxyStatus }
  /** null: actions go on. */
  | { readonly type: 'halt', readonly halt: Halt | null }
  /** null: the mesh policy is gone. */
  | { readonly type: 'rollout', readonly name: string, readonly policy: MeshPolicy | null }
  /** One of the lists that are fetched when somebody looks is another one now. */
  | { readonly type: 'changed', readonly list: FetchedList }

/** What console and CLI may ask of the controller. Every change is audited with its actor. */
/** What pulling the kill switch did. */
export interface Pulled {
  readonly halt: Halt
  /** How many mitigations were undone. */
  readonly undone: number
  /** Those that were to be undone and could not be. */
  readonly failed: readonly { readonly mitigation: string, readonly message: string }[]
}

/** A kill switch that stands outside of the loop, and that nobody has to call. */
export interface StandingOrders {
  /** null: there is none. */
  current: () => PanicOrder | null
  onChange: (listener: () => void) => Disposable
}

export interface KillSwitch {
  /** null: it is not pulled. */
  readonly halt: Halt | null
  /** No new action from now on, also after a restart; `undo` takes back what is in force. Rejects where it could not be kept: then it holds until the process ends. */
  pull: (actor: string, reason: string, undo: boolean) => Promise<Pulled>
  /** Throws CONFLICT where it is not pulled, or where a standing order pulls it. */
  release: (actor: string, reason: string) => Promise<void>
}

/** Carries an errand out, or a part of it, once. What may go well later is an outcome, not an error. */
export interface ErrandCarrier {
  attempt: (errand: Errand, signal: AbortSignal) => Promise<Outcome>
}

/** Messages and evictions: those that wait, and what became of the others. */
export interface Errands extends Pick<Collection<Errand>, 'get' | 'list'> {
  /** Throws NOT_FOUND, or CONFLICT where it has ended. */
  cancel: (id: string, actor: string, reason: string) => Promise<Errand>
}

/** What was kept of pods before they were evicted, by the id of the errand. */
export interface Evidence {
  /** What it holds, the hash of that account, and the files that are not as it says any more. Throws NOT_FOUND, or BAD_DATA where the account cannot be understood. */
  look: (errand: string) => Promise<{ readonly manifest: EvidenceManifest, readonly sha256: string, readonly changed: readonly string[] }>
  /** Throws NOT_FOUND for a file that the account does not name. */
  read: (errand: string, file: string) => Promise<string>
}

/** What waits for a person. */
export interface Approvals {
  /** Oldest first. */
  readonly waiting: readonly Decision[]
  /** Gives what was decided then: safety is asked again with the state of now. Throws NOT_FOUND, or CONFLICT where it does not wait or there is nothing left to decide. */
  answer: (id: string, answer: 'approve' | 'reject', actor: string, reason: string) => Promise<Decision>
}

/** What a person says of a detection. */
export interface Said {
  readonly verdict: MarkVerdict
  readonly reason: string
  /** ISO 8601; null for no exception. */
  readonly exceptUntil: string | null
}

/** What people said of detections. */
export interface Feedback {
  /** Newest first. */
  marks: () => readonly Mark[]
  precision: () => readonly Precision[]
  /** In place of what was said before. Throws NOT_FOUND, BAD_DATA where an exception is asked for what is confirmed or too long, CONFLICT where one was made already. */
  mark: (detection: string, said: Said, by: string) => Promise<Mark>
}

export interface Loop {
  readonly approvals: Approvals
  readonly killSwitch: KillSwitch
  readonly store: ObjectStore
  readonly audit: AuditTrail
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly proxies: ProxyFleet
  readonly rollouts: Rollouts
  readonly errands: Errands
  readonly evidence: Evidence
  readonly threatPolicies: Pick<ThreatPolicies, 'list'>
  /** Which replica works and who follows it; null where it is the only one. */
  readonly leadership: () => LeadershipStanding | null
  readonly flows: Pick<FlowLog, 'records' | 'kept'>
  readonly exceptions: ExceptionBook
  readonly rulebook: Rulebook
  readonly feedback: Feedback
  /** What NetworkPolicies do for a mitigation, or would do. Throws CONFLICT where no cluster is connected, UNAVAILABLE where its policies are not known. */
  effect: (mitigation: Mitigation) => PlanEffect
  /** The newest traffic, or null before any came. */
  traffic: () => Extract<LoopEvent, { type: 'traffic' }> | null
  /** What the detector scores with; null before one has told. */
  models: () => ModelStanding | null
  policy: () => { source: string, rules: readonly unknown[] }
  revert: (mitigation: string, actor: string, reason: string) => Promise<Mitigation>
  /** Bounded per subscriber; a slow one loses its oldest events, and `dropped` says how many. */
  subscribe: (signal: AbortSignal) => AsyncIterable<LoopEvent>
  ready: () => { ready: boolean, reasons: readonly string[] }
}

/** Credentials that change while the process runs. */
export interface CredentialSource {
  /** Throws UNAVAILABLE while there are none yet. */
  current: () => Credentials
  onChange: (listener: () => void) => Disposable
}

/** Who is not believed any more, though the certificate has not ended. Asked every second for everybody who is connected. */
export interface Revocations {
  /** Why, for people; null for who is believed. `serialNumber` is the certificate's, in upper-case hexadecimal. */
  revoked: (identity: Identity, serialNumber: string) => string | null
}

/** Which objects: all of them, or those of one namespace, or those with labels, or those with fields. */
export interface Scope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** `synced` opens a watch and comes again whenever it had to be begun anew: it holds all there is as of its version. */
export type WatchEvent<T = KubernetesObject> =
  | { readonly type: 'synced', readonly objects: readonly T[], readonly resourceVersion: string }
  | { readonly type: 'put', readonly object: T }
  | { readonly type: 'gone', readonly object: T }

/**
 * The Kubernetes API as far as AutoShield uses it. Throws AutoshieldError: CONFLICT (exists already, or changed
 * meanwhile), NOT_FOUND, UNTRUSTED (no permission; the message names verb and resource), BAD_DATA (the API server
 * refuses the object, in its own words), UNAVAILABLE (it does not answer).
 */
export interface KubernetesApi {
  /** Null where there is none. */
  get: (resource: Resource, name: string, namespace?: string) => Promise<KubernetesObject | null>
  list: (resource: Resource, scope?: Scope) => Promise<readonly KubernetesObject[]>
  /** The namespace is the object's own. */
  create: (resource: Resource, object: unknown, options?: { dryRun?: boolean, subresource?: string }) => Promise<KubernetesObject>
  /** Only where `metadata.resourceVersion` is still the newest. */
  replace: (resource: Resource, object: KubernetesObject, options?: { subresource?: string }) => Promise<KubernetesObject>
  /** Server-side apply under our field manager, or another of ours that is named; without `force` a field that somebody else owns is a CONFLICT. */
  apply: (resource: Resource, object: unknown, options?: { force?: boolean, dryRun?: boolean, subresource?: string, fieldManager?: string }) => Promise<KubernetesObject>
  /** False where there was none. */
  remove: (resource: Resource, name: string, options?: { namespace?: string, uid?: string }) => Promise<boolean>
  /**
   * Lists, then follows; reconnects by itself, and ends only when aborted. With `read`, only what it makes of an object
   * is kept, so that a long list is never held whole; it must not throw.
   */
  watch: {
    (resource: Resource, scope: Scope, signal: AbortSignal): AsyncIterable<WatchEvent>
    <T>(resource: Resource, scope: Scope, signal: AbortSignal, read: (object: KubernetesObject) => T): AsyncIterable<WatchEvent<T>>
  }
  /** A path that serves no objects, as text: `/version`, `/metrics`. */
  text: (path: string) => Promise<string>
}

/** What is known of the cluster's nodes. */
export interface NodeDirectory {
  list: () => readonly NodeFacts[]
}

/** What is known of the cluster's namespaces. */
export interface NamespaceDirectory {
  /** Null where there is none, or none is known yet. */
  byName: (name: string) => Namespace | null
  ready: () => boolean
}

/** Takes what admission saw, to the audit trail. Never blocks and never throws: what it has no room for, it counts. */
export interface AdmissionLog {
  record: (entry: AdmissionEntry) => void
}

/** A pod by what names it; `uid` is empty where it is not known. */
export type PodName = Pick<Pod, 'uid' | 'namespace' | 'name'>

/** What happened to pods at admission. */
export interface AdmissionContext {
  /** What was found about the pod, its workload and its namespace from an hour before `atMs` on, oldest first, a few at most. */
  contextOf: (pod: PodName, atMs: number) => readonly AdmissionNote[]
}
