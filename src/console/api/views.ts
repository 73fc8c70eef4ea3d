import { Type, type Static } from 'typebox'
import { EvidenceManifest } from '../../core/errand/evidence.ts'
import { LeadershipStanding } from '../../core/leadership/standing.ts'
import { Limit, MitigationSpec } from '../../core/mitigation/mitigation.ts'
import { OpenConnections } from '../../core/mitigation/open-connections.ts'
import { ThreatPolicyStatus } from '../../core/policy/threat-policy.ts'
import { Comparison } from '../../core/model/comparison.ts'
import { ModelStanding } from '../../core/model/standing.ts'
import { Halt } from '../../core/safety/state.ts'
import { STANDINGS } from '../../core/mitigation/proxy-standing.ts'

const count = (description: string) => Type.Integer({ minimum: 0, description })
const time = (description: string) => Type.String({ format: 'date-time', description })
const closed = { additionalProperties: false } as const

export const TrafficEdge = Type.Object({
  source: Type.String({ description: 'Address of the initiator.' }),
  destination: Type.String({ description: 'Address of the responder.' }),
  packets: Type.Number({ minimum: 0 }),
  bytes: Type.Number({ minimum: 0, description: 'Layer-4 payload, both directions.' }),
  flows: Type.Number({ minimum: 0 }),
}, { $id: 'TrafficEdge', ...closed })

export const DetectorStats = Type.Object({
  observers: count('Observers connected now.'),
  packets: count('Packets seen since the detector started.'),
  flows: count('Flows since the detector started.'),
  windows: count('Windows since the detector started.'),
  tensors: count('Tensors scored since the detector started.'),
  keys: count('Keys held now.'),
  dropped: count('What bounded queues and tables dropped since the detector started.'),
  malformed: count('Packets that could not be understood since the detector started.'),
  forgedSent: count('Packets that left a pod under an address that is not its own, since the detector started.'),
  forging: Type.Record(Type.String(), Type.Number(), { description: 'Of these, packets of the last minute by UID of the pod.' }),
  refused: Type.Record(Type.String(), Type.Number(), { description: 'Streams and calls that the detector refused since it started, by reason: observers that spoke of other pods than their own are under NotYours.' }),
}, { $id: 'DetectorStats', ...closed })

export const Traffic = Type.Object({
  atMs: Type.Number({ description: 'Unix milliseconds; end of the 15 s window that the edges sum up.' }),
  edges: Type.Array(TrafficEdge),
  stats: DetectorStats,
}, { $id: 'Traffic', ...closed })

export const PanicState = Type.Object({ halt: Type.Union([Halt, Type.Null()], { description: 'null: actions go on.' }) }, { $id: 'PanicState', ...closed })

export const LeadershipState = Type.Object({ leadership: Type.Union([LeadershipStanding, Type.Null()], { description: 'null: this is the only replica.' }) }, { $id: 'LeadershipState', ...closed })

export const ModelsView = Type.Object({
  standing: Type.Union([ModelStanding, Type.Null()], { description: 'null before a detector has told.' }),
  comparison: Type.Union([Comparison, Type.Null()], { description: 'How the candidate in shadow compares; null where there is none, or nothing was compared yet.' }),
}, { $id: 'Models', ...closed })

export const KeptEvidence = Type.Object({
  manifest: EvidenceManifest,
  sha256: Type.String({ description: 'Of the manifest as it is now.' }),
  recorded: Type.String({ description: 'Of the manifest as the store and the audit trail have it.' }),
  state: Type.Union([Type.Literal('as-kept'), Type.Literal('changed')], { description: 'changed: the manifest or a file is another than was kept.' }),
  changed: Type.Array(Type.String(), { description: 'Files that are not as the manifest says.' }),
}, { $id: 'KeptEvidence', ...closed })
export type KeptEvidence = Static<typeof KeptEvidence>

export const ThreatPolicyView = Type.Object({
  metadata: Type.Object({ name: Type.String(), uid: Type.String(), generation: Type.Integer({ minimum: 1 }), creationTimestamp: time('When it was made.') }, closed),
  spec: Type.Unknown({ description: 'As it was written.' }),
  status: Type.Union([ThreatPolicyStatus, Type.Null()], { description: 'null before the controller has looked at it.' }),
}, { $id: 'ThreatPolicy', ...closed })
export type ThreatPolicyView = Static<typeof ThreatPolicyView>

export const Status = Type.Object({
  version: Type.String(),
  startedAt: time('When this console started.'),
  now: time('The console\'s clock.'),
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String(), { description: 'Why it is not ready.' }),
  detections: Type.Object({ suspected: count('Under watch.'), open: count('Going on.'), closed: count('Over.') }, closed),
  mitigations: Type.Object({ active: count('In force or simulated now.'), simulated: count('Of the active, how many enforce nothing.') }, closed),
  pods: Type.Object({
    known: count('Pods in the directory.'),
    observed: count('Pods that an observer reports.'),
    unobserved: count('Pods that no observer reports; the rest cannot be told.'),
  }, closed),
  proxies: Type.Object({ connected: count('Proxies connected.'), rejected: count('Proxies that refused their newest snapshot.') }, closed),
  stats: Type.Union([DetectorStats, Type.Null()], { description: 'null before any traffic came.' }),
  models: Type.Union([ModelStanding, Type.Null()], { description: 'What the detector scores with, and what it refuses; null before one has told.' }),
}, { $id: 'Status', ...closed })
export type Status = Static<typeof Status>

export const Pod = Type.Object({
  uid: Type.String(),
  namespace: Type.String(),
  name: Type.String(),
  addresses: Type.Array(Type.String()),
  labels: Type.Record(Type.String(), Type.String()),
  node: Type.String(),
  observed: Type.Union([Type.Boolean(), Type.Null()], { description: 'null: the directory cannot tell.' }),
}, { $id: 'Pod', ...closed })
export type Pod = Static<typeof Pod>

const ProxyRestriction = Type.Object({
  mitigation: Type.String({ description: 'Name of the mitigation.' }),
  sources: Type.Array(Type.String(), { description: 'Addresses of its subject.' }),
  action: MitigationSpec.properties.action,
  limit: Type.Optional(Limit),
  ports: Type.Optional(Type.Array(Type.Integer(), { description: 'Destination ports; any unless given.' })),
  shadow: Type.Boolean({ description: 'It is counted and not enforced.' }),
  taken: Type.Boolean({ description: 'The proxy has taken it.' }),
  openConnections: Type.Array(OpenConnections, { description: 'What becomes of the connections that the subject had open; empty in shadow.' }),
  expiresAt: time('When it ends by itself.'),
}, { $id: 'ProxyRestriction', ...closed })
export type ProxyRestriction = Static<typeof ProxyRestriction>

export const Proxy = Type.Object({
  podUid: Type.String(),
  connected: Type.Boolean(),
  version: Type.String(),
  state: Type.Union([Type.Literal('in-sync'), Type.Literal('pending'), Type.Literal('rejected')]),
  message: Type.String({ description: 'The proxy\'s own words when it rejected.' }),
  mitigations: Type.Array(Type.String(), { description: 'Names of the mitigations that the version carries.' }),
  since: Type.String({ format: 'date-time', description: 'When the state or the version last changed.' }),
  refused: Type.Array(Type.Object({ mitigation: Type.String(), message: Type.String() }, closed), { description: 'Mitigations that the proxy refused, in its own words, and that were taken out of its snapshot again.' }),
  taken: Type.Array(Type.String(), { description: 'Of `mitigations`, those that the proxy has taken, in this version or in one before.' }),
  shortfalls: Type.Array(Type.Object({ mitigation: Type.String(), message: Type.String() }, closed), { description: 'What this proxy cannot carry, wholly or in part, and why.' }),
  openConnections: Type.Record(Type.String(), Type.Array(OpenConnections), { description: 'What becomes of the connections that the subject had open, by mitigation that enforces.' }),
  clientAddress: Type.Optional(Type.Object({ kind: Type.Union([Type.Literal('kept'), Type.Literal('hidden')]), why: Type.String() }, { ...closed, description: 'kept: applications behind it see their clients\' own addresses. hidden: they see the proxy\'s, and why. Absent where the proxy does not say.' })),
  namespace: Type.Union([Type.String(), Type.Null()], { description: 'Of its pod; null where the directory does not know the pod.' }),
  name: Type.Union([Type.String(), Type.Null()], { description: 'Of its pod; null where the directory does not know the pod.' }),
  standing: Type.Enum([...STANDINGS], { description: 'In one word. stale: it is being told something newer. silent: it is connected and has not answered for ten seconds. away: it should be there and is not connected.' }),
  restrictions: Type.Array(ProxyRestriction, { description: 'What its newest version carries.' }),
}, { $id: 'ProxyStatus', ...closed })
export type Proxy = Static<typeof Proxy>

export const Snapshot = Type.Object({
  version: Type.String(),
  resources: Type.Unknown({ description: 'xDS resources as JSON.' }),
}, { $id: 'Snapshot', ...closed })

export const Policy = Type.Object({
  source: Type.String({ description: 'The file that the rules came from.' }),
  rules: Type.Array(Type.Unknown(), { description: 'The rules as loaded.' }),
}, { $id: 'Policy', ...closed })

export const AuditEntry = Type.Object({
  sequence: Type.Integer({ minimum: 0 }),
  at: time('When it was written.'),
  actor: Type.String(),
  action: Type.String(),
  object: Type.String(),
  reason: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  hash: Type.String({ description: 'sha256 over the hash before and this entry.' }),
}, { $id: 'AuditEntry', ...closed })
