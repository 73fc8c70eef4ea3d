import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { openKubernetes, type KubernetesOptions } from '../adapters/kubernetes/open-kubernetes.ts'
import type { KubernetesApi } from '../ports/kubernetes.ts'
import type { CliContext, Settings } from './context.ts'

export interface KubernetesFlags {
  readonly kubeconfig?: string
  readonly context?: string
}

/** Adds the flags that choose a cluster, the same for every verb. */
export function kubernetesOptions (command: Command): Command {
  return command
    .addOption(new Option('--kubeconfig <path>', 'the cluster\'s kubeconfig (KUBECONFIG, ~/.kube/config or the pod\'s own cluster unless given)'))
    .addOption(new Option('--context <name>', 'a context of the kubeconfig; its current one unless given'))
}

/** The cluster that flags and environment name. Throws NOT_FOUND where they name none. */
export function openFrom ({ settings }: Pick<CliContext, 'settings'>, { kubeconfig, context }: KubernetesFlags, options?: KubernetesOptions): KubernetesApi & Disposable {
  const path = kubeconfig ?? kubeconfigOf(settings)
  return openKubernetes({
    ...(path !== '' && { kubeconfig: path }),
    ...(context !== undefined && { context }),
    ...(settings.inCluster !== null && { inCluster: settings.inCluster }),
  }, options)
}

/** Whether a cluster is configured at all, by environment alone: then actuation is on unless somebody says otherwise. */
export const namesCluster = (settings: Settings): boolean => kubeconfigOf(settings) !== '' || settings.inCluster !== null

function kubeconfigOf ({ kubeconfig, usualKubeconfig }: Settings): string {
  if (kubeconfig !== '') return kubeconfig
  return usualKubeconfig !== '' && existsSync(usualKubeconfig) ? usualKubeconfig : ''
}
