import { Type, type Static } from 'typebox'
import { AdmissionEntry } from './entry.ts'

/** Changes that nobody saw, or saw and could not keep. */
export const AdmissionGap = Type.Object({
  cause: Type.Union([
    Type.Literal('overflow', { description: 'A webhook had more than its queue holds.' }),
    Type.Literal('refused', { description: 'The controller could not understand what a webhook sent.' }),
    Type.Literal('let-through', { description: 'A webhook let reviews pass without having looked at them: too many at once, too late, or a fault of its own.' }),
    Type.Literal('fail-open', { description: 'The API server let requests pass without a webhook\'s answer.' }),
    Type.Literal('audit-log', { description: 'Lines of the API server\'s audit log could not be read.' }),
  ]),
  count: Type.Integer({ minimum: 1 }),
  from: Type.String({ format: 'date-time' }),
  until: Type.String({ format: 'date-time' }),
}, { $id: 'AdmissionGap', additionalProperties: false })
export type AdmissionGap = Static<typeof AdmissionGap>

export const MAX_BATCH_ITEMS = 200
export const MAX_BATCH_BYTES = 1 << 20
/** One more entry than fits is taken into a batch that was empty, and a control character is six in JSON. */
export const MAX_BODY_BYTES = 2 * MAX_BATCH_BYTES

/** `POST /v1/admissions`: entries of one webhook process, numbered from 1 within its boot, without a hole. */
export const AdmissionBatch = Type.Object({
  boot: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'Drawn once a process.' }),
  items: Type.Array(Type.Object({
    sequence: Type.Integer({ minimum: 1 }),
    entry: Type.Optional(AdmissionEntry),
    gap: Type.Optional(AdmissionGap),
  }, { additionalProperties: false }), { minItems: 1, maxItems: MAX_BATCH_ITEMS }),
}, { $id: 'AdmissionBatch', additionalProperties: false })
export type AdmissionBatch = Static<typeof AdmissionBatch>

/** Everything of this boot up to here is in the trail. */
export const AdmissionReceipt = Type.Object({ acknowledged: Type.Integer({ minimum: 0 }) }, { $id: 'AdmissionReceipt', additionalProperties: false })
export type AdmissionReceipt = Static<typeof AdmissionReceipt>
