import { Type, type Static } from 'typebox'

/** What the operator decides about the loop; main reads it from flags and environment and hands it over, frozen. */
export const ControllerSettings = Type.Object({
  floor: Type.Number({ minimum: 0, maximum: 1, default: 0.3, description: 'Scores under this attack probability are not asked of the detectors.' }),
  actuationEnabled: Type.Boolean({ default: false, description: 'ENABLE_ACTUATION and not --simulate: off, everything is decided and nothing done.' }),
  zone: Type.String({ default: 'UTC', description: 'IANA name of the zone in which conditions read time.*.' }),
  protectedNamespaces: Type.Array(Type.String(), { default: [] }),
  protectedPods: Type.Array(Type.String({ pattern: '^[^/]+/[^/]+$' }), { default: [], description: 'namespace/name' }),
  sharedAddresses: Type.Array(Type.String(), { default: [], description: 'Addresses that stand for many (nodes, NATs, gateways): alerted on, never restricted.' }),
  actionsPerMinute: Type.Integer({ minimum: 0, default: 10 }),
}, { $id: 'ControllerSettings', additionalProperties: false })
export type ControllerSettings = Static<typeof ControllerSettings>

export const DEFAULT_CONTROLLER_SETTINGS: ControllerSettings = {
  floor: 0.3, actuationEnabled: false, zone: 'UTC', protectedNamespaces: [], protectedPods: [], sharedAddresses: [], actionsPerMinute: 10,
}
