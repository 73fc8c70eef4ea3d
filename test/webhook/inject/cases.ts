import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { InjectionContext, InjectionSettings } from '../../../src/core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../../../src/core/kubernetes/object.ts'
import { parseInjectionSettings } from '../../../webhook/inject/settings-file.ts'

const FOLDER = fileURLToPath(new URL('./cases', import.meta.url))

export const AUTHORITIES = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUautoshieldtestauthority\n-----END CERTIFICATE-----\n'

const SETTINGS = parseInjectionSettings(`
image: registry.example/autoshield:1.0.0
detector: autoshield-detector.autoshield.svc:18001
identity: autoshield-controller.autoshield.svc:18443
`, 'test settings')

/** What a webhook of Kubernetes 1.34 decides with, and what a test wants otherwise. */
export const contextWith = (settings: Partial<InjectionSettings> = {}, more: Partial<InjectionContext> = {}): InjectionContext =>
  ({ settings: { ...SETTINGS, ...settings }, authorities: AUTHORITIES, cluster: { major: 1, minor: 34 }, ...more })

/** A folder under cases/: the pod as it comes, its namespace, and what settings and cluster have otherwise than usual. */
export interface Case {
  readonly name: string
  readonly pod: KubernetesObject
  readonly namespace: Namespace | null
  readonly context: InjectionContext
  readonly file: (name: string) => string
}

export const listCases = (): readonly Case[] => readdirSync(FOLDER).sort().map(readCase)

interface CaseSettings { readonly cluster?: string, readonly authorities?: string, readonly settings?: Partial<InjectionSettings> }

function readCase (name: string): Case {
  const file = (file: string): string => join(FOLDER, name, file)
  const read = (path: string): unknown => parse(readFileSync(file(path), 'utf8'))
  const { cluster = '1.34', authorities = AUTHORITIES, settings = {} } = read('settings.yaml') as CaseSettings
  const [major = 1, minor = 0] = cluster.split('.').map(Number)
  return { name, pod: read('pod.yaml') as KubernetesObject, namespace: namespaceOf(read('namespace.yaml') as KubernetesObject | null), context: contextWith(settings, { authorities, cluster: { major, minor } }), file }
}

export const namespaceOf = (object: KubernetesObject | null): Namespace | null =>
  object === null ? null : { name: object.metadata.name, labels: object.metadata.labels ?? {}, annotations: object.metadata.annotations ?? {} }

/** What a golden file holds; undefined where there is none yet. */
export const golden = (path: string): unknown => existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
