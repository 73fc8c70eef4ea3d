import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/** `namespace/name` by UID; objects name pods by UID alone. */
export const PodNames = createContext<ReadonlyMap<string, string>>(new Map())

/** What a target of a mitigation is to a person: `proxy of shop/db-0`. */
export function useTargetName (): (target: string) => string {
  const names = useContext(PodNames)
  return (target) => {
    const [, kind, name] = /^([a-z]+)\/(.+)$/.exec(target) ?? []
    if (kind === undefined || name === undefined) return target
    switch (kind) {
      case 'proxy': return `proxy of ${names.get(name) ?? name}`
      case 'networkpolicy': return `NetworkPolicy ${name}`
      case 'ciliumnetworkpolicy': return `CiliumNetworkPolicy ${name}`
      case 'node': return `node ${name}`
      case 'pod': return `labels of pod ${name}`
      default: return target
    }
  }
}
