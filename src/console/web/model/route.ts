export type Route =
  | { readonly page: 'wall' }
  | { readonly page: 'detections', readonly phase: string }
  | { readonly page: 'detection', readonly id: string }
  | { readonly page: 'mitigation', readonly name: string }
  | { readonly page: 'audit', readonly text: string }
  | { readonly page: 'policy' }
  | { readonly page: 'exceptions' }
  | { readonly page: 'errands', readonly phase: string }
  | { readonly page: 'protected', readonly text: string }
  | { readonly page: 'models' }
  | { readonly page: 'health' }
  | { readonly page: 'proxies' }
  | { readonly page: 'rollouts' }

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a link that was cut in the middle of an escape names nothing; it shows as it is
  }
}

/** The page that a `#/…` names; what is unknown is the wall. */
export function routeOf (hash: string): Route {
  const [name = '', rest = ''] = hash.replace(/^#\/?/, '').split(/\/(.*)/s)
  switch (name) {
    case 'detections': return rest === '' ? { page: 'detections', phase: '' } : { page: 'detection', id: decode(rest) }
    case 'detections-of': return { page: 'detections', phase: decode(rest) }
    case 'mitigations': return rest === '' ? { page: 'wall' } : { page: 'mitigation', name: decode(rest) }
    case 'audit': return { page: 'audit', text: decode(rest) }
    case 'policy': return { page: 'policy' }
    case 'exceptions': return { page: 'exceptions' }
    case 'errands': return { page: 'errands', phase: decode(rest) }
    case 'protected': return { page: 'protected', text: decode(rest) }
    case 'models': return { page: 'models' }
    case 'health': return { page: 'health' }
    case 'proxies': return { page: 'proxies' }
    case 'rollouts': return { page: 'rollouts' }
    default: return { page: 'wall' }
  }
}

export const detectionsHref = (phase: string): string => phase === '' ? '#/detections' : `#/detections-of/${encodeURIComponent(phase)}`
export const detectionHref = (id: string): string => `#/detections/${encodeURIComponent(id)}`
export const mitigationHref = (name: string): string => `#/mitigations/${encodeURIComponent(name)}`
export const errandsHref = (phase: string): string => phase === '' ? '#/errands' : `#/errands/${encodeURIComponent(phase)}`
export const protectedHref = (text: string): string => text === '' ? '#/protected' : `#/protected/${encodeURIComponent(text)}`
export const auditHref = (text: string): string => `#/audit/${encodeURIComponent(text)}`
