import { IDENTITY_MOUNT, IDENTITY_VOLUME, LOG_MOUNT, LOG_SOCKET, LOG_VOLUME, OBSERVER_CONTAINER, TOKEN_AUDIENCE, ANNOTATIONS } from '../../src/core/injection/names.ts'
import type { InjectionProfile } from '../../src/core/injection/decision.ts'
import type { InjectionSettings } from '../../src/core/injection/settings.ts'
import type { Json } from './pod-shape.ts'

/** Any id but 0 passes at `restricted`; this one is "nonroot" in the usual base images. */
const NONROOT = 65532

/** Opening packet sockets, and setting its own group, without which tcpdump does not stay root (it calls setgroups even then). */
const PACKET_CAPABILITIES = ['NET_RAW', 'SETGID'] as const
/**
 * What containerd and Docker give a container by default beside those. At `baseline` nothing may be added, but all may be
 * dropped by name. A runtime that does not give NET_RAW by default (CRI-O) leaves the observer without it.
 */
const DEFAULT_CAPABILITIES = [
  'AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETPCAP', 'SETUID', 'SYS_CHROOT',
] as const

export interface ObserverContainer {
  readonly profile: Pick<InjectionProfile, 'source' | 'level' | 'form'>
  readonly settings: InjectionSettings
  readonly resources: Json | undefined
  /** False where a container of the pod has the port: then nothing listens and nothing is probed. */
  readonly health: boolean
  /** False beside a service mesh, whose redirect would answer or refuse the kubelet's probe in our place. */
  readonly probe: boolean
  /** Where an Envoy beside it, which tells it its access log, gets its configuration: those calls are not the application's. Null where the pod has none. */
  readonly xds: string | null
}

/**
 * The container that watches its pod. What the API server would add by default is written out: the container is found
 * again exactly so when the pod is reviewed a second time.
 */
export function observerContainer ({ profile, settings, resources, health, probe, xds }: ObserverContainer): Json {
  return {
    name: OBSERVER_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    ...(profile.form === 'native' ? { restartPolicy: 'Always' } : {}),
    args: [
      'observer', '--cluster', '--source', profile.source, '--address', '$(POD_IPS)', '--detector', settings.detector, '--issuer', settings.identity,
      '--trust-domain', settings.trustDomain, '--credentials', IDENTITY_MOUNT, ...(health ? ['--health', `$(POD_IP):${settings.healthPort}`] : []),
      ...(xds === null ? [] : ['--xds', xds, '--als-socket', LOG_SOCKET]),
    ],
    env: [
      fromPod('POD_IP', 'status.podIP'), fromPod('POD_IPS', 'status.podIPs'), fromPod('POD_NAME', 'metadata.name'),
      fromPod('POD_NAMESPACE', 'metadata.namespace'), fromPod('POD_UID', 'metadata.uid'), fromPod('NODE_NAME', 'spec.nodeName'),
    ],
    resources: resources ?? {},
    ...(health && probe ? { livenessProbe: livenessProbe(settings.healthPort) } : {}),
    securityContext: securityContext(profile),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: IDENTITY_VOLUME, mountPath: IDENTITY_MOUNT, readOnly: true }, ...xds === null ? [] : [logMount]],
  }
}

const logMount: Json = { name: LOG_VOLUME, mountPath: LOG_MOUNT }

export const fromPod = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } })

/** Three minutes without an answer: an observer that is only slow is left alone. There is no start-up or readiness probe, which would hold back the pod. */
const livenessProbe = (port: number): Json => ({
  httpGet: { path: '/healthz', port, scheme: 'HTTP' }, initialDelaySeconds: 30, periodSeconds: 30, timeoutSeconds: 10, successThreshold: 1, failureThreshold: 6,
})

/** Written out against whatever the pod says for all of its containers (`runAsUser`, `runAsNonRoot`). */
function securityContext ({ source, level }: ObserverContainer['profile']): Json {
  const user = source === 'packet' ? 0 : NONROOT
  return {
    allowPrivilegeEscalation: false,
    capabilities: capabilities(source, level),
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsGroup: user,
    runAsNonRoot: user !== 0,
    runAsUser: user,
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

function capabilities (source: InjectionProfile['source'], level: InjectionProfile['level']): Json {
  if (source !== 'packet') return { drop: ['ALL'] }
  return level === 'privileged' ? { add: PACKET_CAPABILITIES, drop: ['ALL'] } : { drop: DEFAULT_CAPABILITIES }
}

/** In memory; whoever may open the socket in it is a matter of who mounts it (sidecar/als/README.md). */
export const logVolume = (): Json => ({ name: LOG_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } })

/**
 * The observer's token, which the kubelet renews, and the authorities from the pod's annotation, which stay as they were
 * when the pod was made: nobody writes the annotation again. A running observer goes on with the authorities that come with
 * each new certificate; one that is started anew after the root was exchanged needs its pod restarted (coverage: stale).
 */
export const identityVolume = ({ tokenSeconds }: InjectionSettings): Json => ({
  name: IDENTITY_VOLUME,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: tokenSeconds, path: 'token' } },
      { downwardAPI: { items: [{ path: 'ca.pem', fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${ANNOTATIONS.authorities}']` } }] } },
    ],
  },
})
