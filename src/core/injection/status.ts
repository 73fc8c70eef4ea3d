import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { PodProxy } from './pod-proxy.ts'
import { INJECTED_SOURCES, POD_SECURITY_LEVELS } from './settings.ts'

/** What the annotation `autoshield.dev/status` of an injected pod says. Equal pods and settings give equal text. */
export const InjectionStatus = Type.Object({
  revision: Type.String(),
  /** Hash over all that the settings put into a pod: another one means that the pod is stale. */
  template: Type.String(),
  source: Type.Enum([...INJECTED_SOURCES]),
  level: Type.Enum([...POD_SECURITY_LEVELS]),
  form: Type.Union([Type.Literal('native'), Type.Literal('container')]),
  why: Type.String(),
  containers: Type.Array(Type.String()),
  volumes: Type.Array(Type.String()),
  /** The Envoy beside the observer; absent where there is none. */
  proxy: Type.Optional(PodProxy),
}, { $id: 'InjectionStatus', additionalProperties: false })
export type InjectionStatus = Static<typeof InjectionStatus>

const validator = Compile(InjectionStatus)

/** Null where the text is no status: forged, or of another version. */
export function parseInjectionStatus (text: string): InjectionStatus | null {
  try {
    const value: unknown = JSON.parse(text)
    return validator.Check(value) ? value : null
  } catch {
    return null // no JSON
  }
}
