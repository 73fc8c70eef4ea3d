import type { InjectionContext } from '../../../src/core/injection/settings.ts'

/** Settings that a test may decide with. */
export const injectionContext = (): InjectionContext => ({
  settings: {
    revision: 'default',
    image: 'autoshield.test/autoshield:1',
    imagePullPolicy: 'IfNotPresent',
    imagePullSecrets: [],
    trustDomain: 'autoshield.test',
    detector: '10.0.0.1:18001',
    identity: '10.0.0.2:8444',
    excludedNamespaces: [],
    defaultPodSecurity: 'privileged',
    sidecar: 'auto',
    podLabel: 'mitigation',
    healthPort: 15790,
    tokenSeconds: 3600,
    requests: { cpu: '1m', memory: '1Mi' },
    limits: { cpu: '1', memory: '1Gi' },
    maximum: { cpu: '1', memory: '1Gi' },
    xds: null,
    proxyRequests: { cpu: '1m', memory: '1Mi' },
    proxyLimits: { cpu: '1', memory: '1Gi' },
    proxyConnections: 1000,
  },
  authorities: 'PEM',
  cluster: { major: 1, minor: 34 },
})
