/** Labels that people set. */
export const LABELS = {
  /** On a namespace: `enabled`, `disabled`, or `required` (no pod may opt out). */
  injection: 'autoshield.dev/injection',
  /** On a namespace or a pod: which revision of the injector serves it. */
  revision: 'autoshield.dev/rev',
  /** On a pod: `"true"` or `"false"`; wins over the namespace's. */
  inject: 'autoshield.dev/inject',
  /** On a namespace or a pod, which wins: `enabled` or `disabled`; whether an injected pod gets an Envoy, too. */
  proxy: 'autoshield.dev/proxy',
  /** On a namespace: `audit`, `warn` or `enforce`. */
  admission: 'autoshield.dev/admission',
  /** On all that is ours; an object without it is never changed. */
  managedBy: 'app.kubernetes.io/managed-by',
} as const
export const MANAGED_BY = 'autoshield'

/** Kubernetes' own, on a namespace: what Pod Security enforces there. */
export const POD_SECURITY_LABEL = 'pod-security.kubernetes.io/enforce'

/** Field manager of every server-side apply. */
export const FIELD_MANAGER = 'autoshield'

export const ANNOTATIONS = {
  /** On an injected pod: InjectionStatus as JSON. */
  status: 'autoshield.dev/status',
  /** On an injected pod: the CAs that its observer believes, PEM; it reads them through the downward API. */
  authorities: 'autoshield.dev/authorities',
  /** By the pod's author: a source among those that the namespace's Pod Security level admits. */
  source: 'autoshield.dev/source',
  /** By the pod's author: `native` or `container`. */
  sidecar: 'autoshield.dev/sidecar',
  /** By the pod's author: quantities, within the bounds of the settings. */
  cpuRequest: 'autoshield.dev/cpu-request',
  cpuLimit: 'autoshield.dev/cpu-limit',
  memoryRequest: 'autoshield.dev/memory-request',
  memoryLimit: 'autoshield.dev/memory-limit',
  /** By the pod's author: ports of the application that speak HTTP, `8080,9090`. */
  httpPorts: 'autoshield.dev/http-ports',
  /** By the pod's author, where nothing may be redirected: the proxy's own ports before the application's, `18080:8080`. */
  proxyPorts: 'autoshield.dev/proxy-ports',
  /** By an operator, on our own namespace: `off` keeps the webhooks away until it is removed (breaking the glass). */
  webhooks: 'autoshield.dev/webhooks',
} as const

export const OBSERVER_CONTAINER = 'autoshield-observer'
export const PROXY_CONTAINER = 'autoshield-proxy'
/** The private volume of the proxy's container: its key, its configuration and its admin socket, in memory. */
export const PROXY_VOLUME = 'autoshield-proxy'
export const PROXY_MOUNT = '/run/autoshield-proxy'
/** The volume that the observer's container shares with the proxy's alone: the socket of the access log, in memory. */
export const LOG_VOLUME = 'autoshield-log'
export const LOG_MOUNT = '/run/autoshield-log'
/** Where Envoy tells its access log, and the observer listens. */
export const LOG_SOCKET = `${LOG_MOUNT}/als.sock`
/** User and group of Envoy. Connections of the group are not redirected. */
export const PROXY_USER = 65533
/** Where redirected connections go; by `transparent`, and not by `inbound`, the application sees its client's own address. */
export const PROXY_PORTS = { inbound: 15_006, transparent: 15_007, outbound: 15_001 } as const
/** The projected volume with the observer's `token` and `ca.pem`. */
export const IDENTITY_VOLUME = 'autoshield-identity'
/** What a pod with a proxy has beside it. */
export const PROXY_VOLUMES = [PROXY_VOLUME, LOG_VOLUME] as const
export const IDENTITY_MOUNT = '/var/run/secrets/autoshield.dev'
/** Audience of every token that our certificate authority accepts. */
export const TOKEN_AUDIENCE = 'autoshield'
/** The Service in our namespace behind which the webhook's replicas stand; its certificate carries the name. */
export const WEBHOOK_SERVICE = 'autoshield-webhook'
export const DEFAULT_REVISION = 'default'
