import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const

/** What a model was trained on, as far as a stranger can be told from it. Training writes it beside the graph. */
export const Known = Type.Object({
  shares: Type.Array(Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { maxItems: 32 }), { description: 'Benign 15 s windows of pairs in training: by feature, the share of them in each bucket (core/drift/buckets.ts). Empty for a feature that the model does not read.' }),
  limit: Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'The largest share of windows that a run of the training set has beside the others of what they hardly have (core/drift/rare-share.ts).' }),
}, closed)
export type Known = Static<typeof Known>
