import { Type, type Static } from 'typebox'
import { AdmissionNote } from '../admission/note.ts'
import { Unfamiliar } from '../drift/drift.ts'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** One end of a detection. uid, name and namespace are there when the address is a known pod's. */
export const Endpoint = Type.Object({
  address: Type.String({ description: 'Canonical text of the IP address.' }),
  uid: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  namespace: Type.Optional(Type.String()),
}, { $id: 'Endpoint', additionalProperties: false })
export type Endpoint = Static<typeof Endpoint>

/** One feature's part in a score. */
export const FeatureEvidence = Type.Object({
  feature: Type.String({ description: 'One of the 12 features, or a column of the model\'s context that none of them says, such as port_login.' }),
  value: Type.Number({ description: 'In the newest window, in the feature\'s own unit; of a context column over the span.' }),
  usual: Type.Number({ description: 'What is usual for this key, or for keys of its kind where it has no history.' }),
  usualFrom: Type.Union([Type.Literal('key'), Type.Literal('training')], { description: 'Where `usual` comes from.' }),
  contribution: Type.Number({ description: 'How much the class\'s probability falls when the feature is set to its usual value.' }),
}, { $id: 'FeatureEvidence', additionalProperties: false })
export type FeatureEvidence = Static<typeof FeatureEvidence>

/** One piece of named evidence (docs/EVIDENCE.md). */
export const NamedEvidence = Type.Object({
  kind: Type.String({ description: 'Name of the kind; `missing` where the class lacks its mark.' }),
  nats: Type.Number({ description: 'Log-odds that it adds; below 0 it speaks against the class.' }),
  sentence: Type.String({ description: 'For a person.' }),
}, { $id: 'NamedEvidence', additionalProperties: false })
export type NamedEvidence = Static<typeof NamedEvidence>

/** The smallest change that was found to bring the score down. */
export const Counterfactual = Type.Object({
  limit: Type.Number({ description: 'What it is below then: the class\'s threshold, or, where the score was below that, the probability from which on windows add up.' }),
  probability: Type.Number({ description: 'What the model gave with the change.' }),
  changes: Type.Array(Type.Object({
    feature: Type.String(),
    seen: Type.Number({ description: 'Over the tensor\'s windows that are not silent: the sum of counts and bytes, the mean of the others, the largest of unique_ports.' }),
    needed: Type.Number({ description: 'The same with the change.' }),
  }, { additionalProperties: false }), { description: 'All of them together.' }),
}, { $id: 'Counterfactual', additionalProperties: false })
export type Counterfactual = Static<typeof Counterfactual>

/** What the model was trained on that is most like it. */
export const NearestExample = Type.Object({
  class: Type.String(),
  tool: Type.String({ description: 'What made it; of benign traffic the scenario of its run.' }),
  run: Type.String({ description: 'The training run that it is of.' }),
  distance: Type.Number({ description: 'In standard deviations of the training set, a root mean square over what the model reads.' }),
  usualDistance: Type.Number({ description: 'Nine in ten of the training windows of that class and tool lie nearer to their own nearest.' }),
}, { $id: 'NearestExample', additionalProperties: false })
export type NearestExample = Static<typeof NearestExample>

/** Why a detection was made, by its strongest moment: the score that says most for the class, since it opened. */
export const Explanation = Type.Object({
  sentence: Type.String({ description: 'One sentence for a person.' }),
  evidence: Type.Array(FeatureEvidence, { description: 'The features that made the score: first those of `path`, then by what each does alone.' }),
  path: Type.Optional(Type.Array(Type.Object({
    feature: Type.String(),
    left: Type.Number({ description: 'The probability that is left with it and all before it at their usual values.' }),
  }, { additionalProperties: false }), { description: 'The features that together make the score, up to three. Absent before the model was asked.' })),
  windows: Type.Optional(Type.Array(Type.Object({
    window: Type.Integer({ description: 'Row of `tensor`; 0 is the oldest.' }),
    contribution: Type.Number({ description: 'How much the probability falls when this window alone is as usual.' }),
  }, { additionalProperties: false }), { description: 'The windows that matter most, up to three.' })),
  counterfactual: Type.Optional(nullable(Counterfactual)),
  nearest: Type.Optional(nullable(NearestExample)),
  model: Type.Optional(Type.Number({ description: 'Log-odds of the model in the moment that is shown, above the point at which it speaks neither for nor against the class. Absent in detections of an older version.' })),
  nats: Type.Optional(Type.Number({ description: 'Log-odds of model and named evidence together in that moment. Absent in detections of an older version.' })),
  named: Type.Optional(Type.Array(NamedEvidence, { description: 'Named evidence of its whole life beside the model, strongest first: each kind where it spoke most for the class. Absent in detections of an older version.' })),
  tensor: Type.Array(Type.Array(Type.Number()), { description: '[20 x 12], oldest window first, raw values.' }),
  stepMs: Type.Integer(),
  windowNumber: Type.Integer(),
  context: Type.Optional(Type.Array(Type.Number(), { description: 'The model\'s context columns of this tensor. Absent in detections of an older version.' })),
}, { $id: 'Explanation', additionalProperties: false })
export type Explanation = Static<typeof Explanation>

export const Witness = Type.Object({
  reporter: Type.String({ description: 'SPIFFE ID of the observer.' }),
  quality: Type.Integer({ description: 'Bits of what its source could only estimate; 0 is best.' }),
  agrees: Type.Union([Type.Boolean(), Type.Null()], { description: 'Whether its account proves the source real; false: the source\'s own observer saw its pod begin none of this, or far less than the victim tells of; null: it cannot tell.' }),
}, { $id: 'Witness', additionalProperties: false })

/** What happened at admission to the pod at one end. */
export const AdmissionRemark = Type.Object({
  end: Type.Union([Type.Literal('source'), Type.Literal('target')]),
  ...AdmissionNote.properties,
}, { additionalProperties: false })
export type AdmissionRemark = Static<typeof AdmissionRemark>

export const Detection = Type.Object({
  id: Type.String(),
  class: Type.String(),
  kind: Type.Union([Type.Literal('pair'), Type.Literal('fan-out'), Type.Literal('fan-in')]),
  source: nullable(Endpoint),
  target: nullable(Endpoint),
  phase: Type.Union([Type.Literal('suspected'), Type.Literal('open'), Type.Literal('closed')]),
  confidence: Type.Number({ minimum: 0, maximum: 1, description: 'Peak of the calibrated probability.' }),
  firstSeen: Type.String({ format: 'date-time' }),
  lastSeen: Type.String({ format: 'date-time' }),
  delaySeconds: nullable(Type.Number({ description: 'From the first packet of this source and target to the opening; null before it opens.' })),
  count: Type.Integer({ minimum: 1, description: 'Scored windows that support it.' }),
  witnesses: Type.Array(Witness),
  explanation: Explanation,
  technique: nullable(Type.Object({ id: Type.String(), name: Type.String(), url: Type.String() }, { additionalProperties: false })),
  model: Type.String({ description: 'Version of the model that scored it.' }),
  chain: Type.String({ description: 'Id of the story on one source.' }),
  simulated: Type.Boolean({ description: 'The evidence is a replay.' }),
  unfamiliar: Type.Optional(Unfamiliar),
  admission: Type.Optional(Type.Array(AdmissionRemark, { description: 'What happened to its pods at admission, from an hour before it on, oldest first. Absent where nothing is known.' })),
}, { $id: 'Detection', additionalProperties: false })
export type Detection = Static<typeof Detection>
