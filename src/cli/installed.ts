import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AUTHORITIES_MAP } from '../../certs/authorities-map.ts'
import { parseInjectionSettings } from '../../webhook/inject/settings-file.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { InjectionContext } from '../core/injection/settings.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'

/** What the operator decides about injection. */
export const SETTINGS_MAP = { name: 'autoshield-injection', key: 'injection.yaml' } as const

const ConfigMap = Compile(Type.Object({ data: Type.Optional(Type.Record(Type.String(), Type.String())) }))
const Version = Compile(Type.Object({ major: Type.String(), minor: Type.String() }))

/** What the webhook of this cluster decides with. Throws NOT_FOUND where AutoShield is not installed in `ownNamespace`. */
export async function readInjectionContext (api: KubernetesApi, ownNamespace: string): Promise<InjectionContext> {
  const text = await readMap(api, ownNamespace, SETTINGS_MAP)
  if (text === null) throw new AutoshieldError('NOT_FOUND', `namespace ${ownNamespace} has no ConfigMap ${SETTINGS_MAP.name}, so AutoShield is not installed there; name its namespace with --autoshield-namespace, or install it (see deploy/README.md).`)
  return {
    settings: parseInjectionSettings(text, `ConfigMap ${ownNamespace}/${SETTINGS_MAP.name}`),
    authorities: await readMap(api, ownNamespace, AUTHORITIES_MAP) ?? '',
    cluster: await readVersion(api),
  }
}

/** Null where there is no such ConfigMap, or it has no such key. */
export async function readMap (api: KubernetesApi, namespace: string, { name, key }: { readonly name: string, readonly key: string }): Promise<string | null> {
  const map = await api.get(RESOURCES.configMaps, name, namespace)
  return ConfigMap.Check(map) ? map.data?.[key] ?? null : null
}

/** The API server's version. Some distributions write the minor as `34+`. */
export async function readVersion (api: KubernetesApi): Promise<InjectionContext['cluster']> {
  const version: unknown = JSON.parse(await api.text('/version'))
  if (!Version.Check(version)) throw new AutoshieldError('BAD_DATA', 'the API server does not say its version at /version; is this a Kubernetes API server?')
  return { major: Number.parseInt(version.major), minor: Number.parseInt(version.minor) }
}
