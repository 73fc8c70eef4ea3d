import { Type, type Static } from 'typebox'

/** Sources that an injected observer can run; ARCHITECTURE's list, least privilege first. */
export const INJECTED_SOURCES = ['sockdiag', 'als', 'packet'] as const
export type InjectedSource = (typeof INJECTED_SOURCES)[number]

export const POD_SECURITY_LEVELS = ['privileged', 'baseline', 'restricted'] as const
export type PodSecurityLevel = (typeof POD_SECURITY_LEVELS)[number]

const quantity = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|Ki|Mi|Gi)?$' })
const Quantities = Type.Object({ cpu: quantity, memory: quantity }, { additionalProperties: false })
const endpoint = Type.String({ pattern: '^[^\\s:]+:[0-9]{1,5}$|^\\[[0-9a-fA-F:]+\\]:[0-9]{1,5}$', description: 'HOST:PORT' })

/** What the operator decides about injection: one file, read by webhook, controller and CLI. */
export const InjectionSettings = Type.Object({
  revision: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }),
  image: Type.String({ minLength: 1 }),
  imagePullPolicy: Type.Union([Type.Literal('Always'), Type.Literal('IfNotPresent'), Type.Literal('Never')]),
  imagePullSecrets: Type.Array(Type.String({ minLength: 1 })),
  trustDomain: Type.String({ pattern: '^[a-z0-9._-]{1,255}$' }),
  /** Where observers send windows. */
  detector: endpoint,
  /** Where observers get their certificates. */
  identity: endpoint,
  /** Where proxies get their configuration; null: none is injected. */
  xds: Type.Union([endpoint, Type.Null()]),
  /** Never injected, whatever their labels say. */
  excludedNamespaces: Type.Array(Type.String()),
  /** What Pod Security enforces in a namespace without a label for it. */
  defaultPodSecurity: Type.Enum([...POD_SECURITY_LEVELS]),
  sidecar: Type.Union([Type.Literal('auto'), Type.Literal('native'), Type.Literal('container')]),
  /** When a pod gets the label by which policies of ours select it. At admission: Cilium gives each such pod an identity of its own. */
  podLabel: Type.Union([Type.Literal('admission'), Type.Literal('mitigation')]),
  /** On the pod's address: liveness and metrics of the observer. */
  healthPort: Type.Integer({ minimum: 1024, maximum: 65535 }),
  tokenSeconds: Type.Integer({ minimum: 600, maximum: 86_400 }),
  requests: Quantities,
  limits: Quantities,
  /** What the author of a pod may ask for at most by annotation. */
  maximum: Quantities,
  /** Of each proxy: Envoy with its keeper. */
  proxyRequests: Quantities,
  proxyLimits: Quantities,
  /** How many connections clients may hold open through one proxy. */
  proxyConnections: Type.Integer({ minimum: 100, maximum: 1_000_000 }),
}, { $id: 'InjectionSettings', additionalProperties: false })
export type InjectionSettings = Static<typeof InjectionSettings>

/** The API server and kubelets have native sidecars on by default from this minor version of 1 on. The setting `sidecar: native` takes it at that: the operator knows the nodes. */
export const FORCED_NATIVE_SIDECAR_MINOR = 29
/**
 * From this minor version of the API server on they are taken unasked. Its kubelets may be three minor versions older
 * (kubernetes.io/releases/version-skew-policy), and a kubelet that does not know native sidecars refuses the pod, or waits
 * for ever for the observer to end: 32 - 3 = 29.
 */
export const NATIVE_SIDECAR_MINOR = 32

/** What is decided with beside pod and namespace. */
export interface InjectionContext {
  readonly settings: InjectionSettings
  /** PEM of every CA that is trusted now. */
  readonly authorities: string
  /** Version of the API server. */
  readonly cluster: { readonly major: number, readonly minor: number }
}
