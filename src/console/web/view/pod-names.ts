import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

/** `namespace/name` by UID; objects name pods by UID alone. */
export const PodNames = createContext<ReadonlyMap<string, string>>(new Map())

/** What a target of a mitigation is to a person: `proxy of shop/db-0`. */
export function useTargetName (): (target: string) => string {
  const names = useContext(PodNames)
  return (target) => {
    const [, kind, name] = /^(proxy|networkpolicy)\/(.+)$/.exec(target) ?? []
    if (name === undefined) return target
    return kind === 'proxy' ? `proxy of ${names.get(name) ?? name}` : `NetworkPolicy ${name}`
  }
}
