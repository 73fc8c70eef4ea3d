import { access } from 'node:fs/promises'
import { stringify } from 'yaml'
import { AutoshieldError } from '../core/errors.ts'
import { RESOURCES } from '../core/kubernetes/resource.ts'
import type { CliContext } from './context.ts'
import { type KubernetesFlags, openFrom } from './kubernetes-option.ts'
import { readInput } from './read-input.ts'

/** A policy as text, and what it was called. */
export interface NamedPolicy { readonly file: string, readonly text: string }

export interface PolicyNameFlags extends KubernetesFlags { readonly autoshieldNamespace: string }

/** `threatpolicy/NAME`, `networkpolicy/NAMESPACE/NAME`, or a bare name of a ThreatPolicy; what ends as files do is none. */
const QUALIFIED = /^(?:threatpolicy\/(?<policy>[^/]+)|networkpolicy\/(?<namespace>[^/]+)\/(?<network>[^/]+))$/
const BARE = /^(?!.*\.(?:ya?ml|json)$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/

/**
 * A policy that a person named: a file, `-` for standard input, or an object of the cluster. A file goes before an object of its name.
 * Throws NOT_FOUND where there is neither, and what the cluster refuses.
 */
export async function readPolicy (named: string, context: CliContext, { autoshieldNamespace, ...flags }: PolicyNameFlags): Promise<NamedPolicy> {
  const { policy, namespace, network } = QUALIFIED.exec(named)?.groups ?? {}
  const isObject = policy !== undefined || network !== undefined || (BARE.test(named) && !await exists(named))
  if (!isObject) return { file: named, text: await readInput(named, 'readable file of policies, or a ThreatPolicy of the cluster') }
  using api = openFrom(context, flags)
  const [resource, home, name] = network !== undefined && namespace !== undefined
    ? [RESOURCES.networkPolicies, namespace, network] as const
    : [RESOURCES.threatPolicies, autoshieldNamespace, policy ?? named] as const
  const object = await api.get(resource, name, home)
  if (object === null) throw new AutoshieldError('NOT_FOUND', `${named}: there is no such file, and no ${resource.kind} ${home}/${name} in the cluster. \`kubectl -n ${home} get ${resource.plural}\` lists them.`)
  const { metadata, ...rest } = object
  return { file: named, text: stringify({ ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: { name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) }, status: undefined }, { aliasDuplicateObjects: false }) }
}

async function exists (path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
