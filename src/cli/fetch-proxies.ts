import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Proxy } from '../console/api/views.ts'
import { AutoshieldError } from '../core/errors.ts'
import { callApi } from './loop-api.ts'

const Page = Compile(Type.Object({ items: Type.Array(Proxy), next: Type.Union([Type.String(), Type.Null()]) }))

/** Every proxy that the running loop knows, or those of one namespace, by name of their pod. Throws as `callApi` does, and BAD_DATA. */
export async function fetchProxies (api: string, namespace?: string): Promise<readonly Proxy[]> {
  const proxies: Proxy[] = []
  const scope = namespace === undefined ? '' : `&namespace=${encodeURIComponent(namespace)}`
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: unknown = await callApi(api, 'GET', `/proxies?limit=500${scope}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    if (!Page.Check(page)) throw new AutoshieldError('BAD_DATA', `What ${api} answered is no list of proxies: is it this version's AutoShield?`)
    proxies.push(...page.items)
    cursor = page.next
  }
  return proxies.toSorted((one, other) => podOf(one) < podOf(other) ? -1 : 1)
}

/** `namespace/name` of its pod, else the UID. */
export const podOf = ({ namespace, name, podUid }: Proxy): string => namespace === null || name === null ? podUid : `${namespace}/${name}`

/**
 * The proxy of the pod that a person means: by UID, `namespace/name` or a name that one namespace alone has. Throws NOT_FOUND, or
 * USAGE where several pods have the name.
 */
export function findProxy (proxies: readonly Proxy[], pod: string): Proxy {
  const [found, ...more] = proxies.filter((proxy) => proxy.podUid === pod || podOf(proxy) === pod || proxy.name === pod)
  if (found === undefined) throw new AutoshieldError('NOT_FOUND', `No proxy of a pod "${pod}" is known: list them with \`autoshield proxy-status\`.`)
  if (more.length > 0) throw new AutoshieldError('USAGE', `Several pods are called "${pod}": say which one, ${[found, ...more].map(podOf).join(' or ')}.`)
  return found
}
