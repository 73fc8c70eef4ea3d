import { IDENTITY_MOUNT, IDENTITY_VOLUME, LOG_MOUNT, LOG_SOCKET, LOG_VOLUME, PROXY_CONTAINER, PROXY_MOUNT, PROXY_USER, PROXY_VOLUME } from '../../src/core/injection/names.ts'
import type { PodProxy } from '../../src/core/injection/pod-proxy.ts'
import { parseQuantity } from '../../src/core/injection/quantity.ts'
import type { InjectionSettings } from '../../src/core/injection/settings.ts'
import { fromPod } from './observer-container.ts'
import type { Json } from './pod-shape.ts'

/** Rules of the pod's network, and another user for Envoy, which is to be ended then. Envoy itself has NET_RAW alone, to connect from its clients' addresses. */
const REDIRECT_CAPABILITIES = ['KILL', 'NET_ADMIN', 'NET_RAW', 'SETGID', 'SETUID'] as const

/** Of the container's memory, what Envoy's keeper has resident (90 MiB measured), and what Envoy has beside its heap. */
const KEEPER_MIB = 160n
const LEAST_HEAP_MIB = 32n
const THOUSANDTHS_PER_MIB = 1_048_576_000n

export interface ProxyContainer {
  readonly proxy: PodProxy
  readonly form: 'native' | 'container'
  readonly settings: InjectionSettings
  readonly resources: Json | undefined
  /** Whether the observer listens on its health port, which is then not redirected. */
  readonly health: boolean
}

/**
 * The container that keeps a pod's Envoy. It has no probe: nothing of it may hold a pod back, and it starts Envoy again by itself.
 * What the API server would add by default is written out, as for the observer.
 */
export function proxyContainer ({ proxy, form, settings, resources, health }: ProxyContainer): Json {
  const redirects = proxy.mode === 'redirect'
  return {
    name: PROXY_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    ...(form === 'native' ? { restartPolicy: 'Always' } : {}),
    args: [
      'proxy', '--pod-uid', '$(POD_UID)', '--namespace', '$(POD_NAMESPACE)', '--xds', settings.xds ?? '', '--issuer', settings.identity, '--detector', settings.detector,
      '--trust-domain', settings.trustDomain, '--credentials', IDENTITY_MOUNT, '--folder', PROXY_MOUNT,
      '--heap-mib', String(heapMib(settings)), '--connections', String(settings.proxyConnections),
      ...(redirects ? ['--user', String(PROXY_USER), '--inbound', String(proxy.inboundPort), '--node', '$(NODE_ADDRESS)', '--als-socket', LOG_SOCKET] : []),
      ...(redirects && proxy.transparentPort !== undefined ? ['--transparent', String(proxy.transparentPort)] : []),
      ...(redirects && proxy.outboundPort !== null ? ['--outbound', String(proxy.outboundPort)] : []),
      ...(redirects && health ? ['--direct-port', String(settings.healthPort)] : []),
    ],
    env: [fromPod('POD_NAMESPACE', 'metadata.namespace'), fromPod('POD_UID', 'metadata.uid'), ...redirects ? [fromPod('NODE_ADDRESS', 'status.hostIP')] : []],
    resources: resources ?? {},
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: redirects ? { add: REDIRECT_CAPABILITIES, drop: ['ALL'] } : { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: PROXY_USER,
      runAsNonRoot: !redirects,
      runAsUser: redirects ? 0 : PROXY_USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: IDENTITY_VOLUME, mountPath: IDENTITY_MOUNT, readOnly: true },
      { name: PROXY_VOLUME, mountPath: PROXY_MOUNT },
      { name: LOG_VOLUME, mountPath: LOG_MOUNT, readOnly: true }, // a socket is connected to all the same
    ],
  }
}

function heapMib ({ proxyLimits }: InjectionSettings): bigint {
  const heap = (parseQuantity(proxyLimits.memory) ?? 0n) / THOUSANDTHS_PER_MIB - KEEPER_MIB
  return heap < LEAST_HEAP_MIB ? LEAST_HEAP_MIB : heap
}

/** In memory, for the pod's key lies there. */
export const proxyVolume = (): Json => ({ name: PROXY_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } })
