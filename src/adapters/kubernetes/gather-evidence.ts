import type { EvidenceFile, Gathered } from '../../core/errand/evidence.ts'
import type { EvictionTask } from '../../core/errand/errand.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'

/** Of each container's log, present and before its last restart: this many lines and bytes at most. */
const LOG_LINES = 10_000
const LOG_BYTES = 1024 * 1024
const MAX_CONTAINERS = 16

/** What the cluster knows of a pod now. What cannot be had is said; only a pod that cannot be read at all is an error, as of `get`. */
export async function gatherEvidence (api: Pick<KubernetesApi, 'list' | 'text'>, object: KubernetesObject, { uid, namespace, name }: EvictionTask['pod']): Promise<Gathered> {
  const attempts: readonly (readonly [string, () => Promise<string>])[] = [
    ['events.json', async () => json(await api.list(RESOURCES.events, { namespace, fieldSelector: `regarding.uid=${uid}` }))],
    ...containersOf(object).flatMap(({ container, restarted }) => {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${new URLSearchParams({ container, timestamps: 'true', tailLines: String(LOG_LINES), limitBytes: String(LOG_BYTES) }).toString()}`
      return [
        [`${container}.log`, async () => api.text(path)] as const,
        ...restarted ? [[`${container}.before-restart.log`, async () => api.text(`${path}&previous=true`)] as const] : [],
      ]
    }),
  ]
  const gathered = await Promise.all(attempts.map(async ([file, get]): Promise<EvidenceFile | { what: string, why: string }> =>
    get().then((text) => ({ name: file, text }), (error: unknown) => ({ what: file, why: AutoshieldError.from(error).message }))))
  return {
    files: [{ name: 'pod.json', text: json(object) }, ...gathered.filter((each) => 'text' in each)],
    missing: [
      ...gathered.filter((each) => 'why' in each),
      { what: 'sockets', why: 'Nobody looks into the pod: connections.json has what observers told of its connections in the last ten minutes, the newest minute maybe left out.' },
    ],
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function containersOf (object: KubernetesObject): { container: string, restarted: boolean }[] {
  const [spec, status] = [object['spec'], object['status']]
  const named = (of: unknown, lists: readonly string[]): Readonly<Record<string, unknown>>[] => isRecord(of) ? lists.flatMap((list) => of[list] ?? []).filter(isRecord) : []
  const restarts = new Map(named(status, ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']).map((each) => [each['name'], Number(each['restartCount'])]))
  return named(spec, ['containers', 'initContainers', 'ephemeralContainers'])
    .flatMap(({ name }) => typeof name === 'string' ? [{ container: name, restarted: (restarts.get(name) ?? 0) > 0 }] : [])
    .slice(0, MAX_CONTAINERS)
}
