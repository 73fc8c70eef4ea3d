import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { AutoshieldError } from '../../core/errors.ts'

/** Where a pod finds its own cluster; the kubelet gives host and port in the environment and the rest in a folder. */
export interface InCluster {
  readonly host: string
  readonly port: string
}

/** How to find the API server. The first that is given wins: kubeconfig, then the cluster around this pod. */
export interface ClusterPlace {
  /** A path, or several as in KUBECONFIG: the first that names a thing wins. */
  readonly kubeconfig?: string
  /** A context of the kubeconfig; its current one unless given. */
  readonly context?: string
  readonly inCluster?: InCluster
}

/** The kubelet projects token and CA here, and renews both. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Throws NOT_FOUND (no such file or context, no cluster), UNAVAILABLE (cannot be read) or BAD_DATA (no kubeconfig). */
export function loadClusterConfig ({ kubeconfig, context, inCluster }: ClusterPlace): KubeConfig {
  if (kubeconfig !== undefined && kubeconfig !== '') return fromFiles(kubeconfig, context)
  if (inCluster === undefined) {
    throw new AutoshieldError('NOT_FOUND', 'No cluster is configured: name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a pod with a service account.')
  }
  return fromServiceAccount(inCluster)
}

function fromServiceAccount ({ host, port }: InCluster): KubeConfig {
  if (!existsSync(`${SERVICE_ACCOUNT}/token`)) {
    throw new AutoshieldError('NOT_FOUND', `This pod has no service account token in ${SERVICE_ACCOUNT}: set automountServiceAccountToken, or name a kubeconfig with --kubeconfig.`)
  }
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, caFile: `${SERVICE_ACCOUNT}/ca.crt`, skipTLSVerify: false },
    // The library reads a token file anew each minute, as client-go does.
    { name: 'service-account', authProvider: { name: 'tokenFile', config: { tokenFile: `${SERVICE_ACCOUNT}/token` } } }
  )
  return config
}

function fromFiles (kubeconfig: string, context: string | undefined): KubeConfig {
  const paths = kubeconfig.split(delimiter).filter((path) => path !== '')
  const there = paths.filter((path) => existsSync(path))
  if (there.length === 0) throw new AutoshieldError('NOT_FOUND', `The kubeconfig ${kubeconfig} does not exist: name another with --kubeconfig or KUBECONFIG.`)
  const config = merged(there.map(readConfig))
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      throw new AutoshieldError('NOT_FOUND', `The kubeconfig ${kubeconfig} has no context "${context}": it has ${namesOf(config.getContexts())}.`)
    }
    config.setCurrentContext(context)
  }
  if (config.getCurrentCluster() === null) {
    throw new AutoshieldError('BAD_DATA', `The kubeconfig ${kubeconfig} names no cluster for its context "${config.getCurrentContext()}": choose one with --context (${namesOf(config.getContexts())}).`)
  }
  return config
}

const namesOf = (named: readonly { readonly name: string }[]): string => named.length === 0 ? 'none' : named.map(({ name }) => name).join(', ')

function readConfig (path: string): KubeConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `The kubeconfig ${path} cannot be read (${wordsOf(cause)}): give this user the right to, or name another with --kubeconfig.`, { cause })
  }
  const config = new KubeConfig()
  try {
    config.loadFromString(text)
    config.makePathsAbsolute(dirname(path))
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} is no kubeconfig (${wordsOf(cause)}): name another with --kubeconfig.`, { cause })
  }
  return config
}

const wordsOf = (thrown: unknown): string => thrown instanceof Error ? thrown.message : String(thrown)

/** As kubectl merges the files of KUBECONFIG: what comes first stays. */
function merged (configs: readonly KubeConfig[]): KubeConfig {
  const first = <T extends { readonly name: string }>(lists: readonly (readonly T[])[]): T[] =>
    [...Map.groupBy(lists.flat(), ({ name }) => name).values()].flatMap(([one]) => one === undefined ? [] : [one])
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: first(configs.map((each) => each.getClusters())),
    users: first(configs.map((each) => each.getUsers())),
    contexts: first(configs.map((each) => each.getContexts())),
    currentContext: configs.map((each) => each.getCurrentContext()).find(Boolean) ?? '',
  })
  return config
}
