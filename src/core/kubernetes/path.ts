import { apiVersionOf, type Resource } from './resource.ts'

/** Where the API server serves all objects of a kind, or those of one namespace, or one object, or a part of it. */
export function pathOf (resource: Resource, at: { readonly namespace?: string | undefined, readonly name?: string, readonly subresource?: string | undefined } = {}): string {
  const { namespace, name, subresource } = at
  const root = resource.group === '' ? '/api' : '/apis'
  const parts = [
    ...(namespace === undefined || !resource.namespaced ? [] : ['namespaces', namespace]),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `${root}/${apiVersionOf(resource)}/${parts.map(encodeURIComponent).join('/')}`
}

/** `pods in namespace shop`, `pod shop/db-0`: what a message calls the object of a request. */
export function phraseOf (resource: Resource, at: { readonly namespace?: string | undefined, readonly name?: string } = {}): string {
  const { namespace, name } = at
  if (name === undefined) return namespace === undefined ? resource.plural : `${resource.plural} in namespace ${namespace}`
  return `${resource.kind} ${namespace === undefined || !resource.namespaced ? name : `${namespace}/${name}`}`
}
