import { createHash } from 'node:crypto'
import { PROXY_PORTS } from '../../src/core/injection/names.ts'
import type { PodProxy } from '../../src/core/injection/pod-proxy.ts'
import { INJECTED_SOURCES, type InjectionContext, type InjectionSettings, POD_SECURITY_LEVELS } from '../../src/core/injection/settings.ts'
import { canonicalQuantity } from '../../src/core/injection/quantity.ts'
import { identityVolume, logVolume, observerContainer } from './observer-container.ts'
import { proxyContainer, proxyVolume } from './proxy-container.ts'

/** Reviews come by the thousand a second, and the context is the same for all until a setting or an authority changes. */
const known = new WeakMap<InjectionContext, string>()

/**
 * 16 hexadecimal digits over all that settings and authorities put into pods: each shape of container as it is rendered,
 * so that a change of the program shows, too. Equal for equal contexts, in every process and release that renders alike.
 * The cluster's version and the excluded namespaces have no part in it.
 */
export function templateHash (context: InjectionContext): string {
  const before = known.get(context)
  if (before !== undefined) return before
  const hash = createHash('sha256').update(JSON.stringify(everything(context))).digest('hex').slice(0, 16)
  known.set(context, hash)
  return hash
}

function everything ({ settings, authorities }: InjectionContext): unknown {
  const { revision, requests, limits, maximum, sidecar, defaultPodSecurity, imagePullSecrets } = settings
  const sources = INJECTED_SOURCES.filter((source) => source !== 'als' || settings.xds !== null)
  const containers = POD_SECURITY_LEVELS.flatMap((level) => sources.flatMap((source) => (['native', 'container'] as const).map((form) =>
    observerContainer({ profile: { level, source, form }, settings, resources: undefined, health: true, probe: true, xds: settings.xds }))))
  return { revision, quantities: canonical([requests, limits, maximum]), sidecar, defaultPodSecurity, imagePullSecrets, containers, volume: identityVolume(settings), authorities, ...settings.xds === null ? {} : { proxy: everythingOfProxy(settings) } }
}

/** Where no proxies are injected, no setting of theirs makes a pod stale. */
function everythingOfProxy (settings: InjectionSettings): unknown {
  const of = (mode: PodProxy['mode']): PodProxy => ({ mode, inboundPort: PROXY_PORTS.inbound, transparentPort: PROXY_PORTS.transparent, outboundPort: PROXY_PORTS.outbound, httpPorts: [], explicitPorts: [] })
  const containers = (['redirect', 'explicit'] as const).map((mode) => proxyContainer({ proxy: of(mode), form: 'native', settings, resources: undefined, health: true }))
  return { quantities: canonical([settings.proxyRequests, settings.proxyLimits]), containers, volumes: [proxyVolume(), logVolume()] }
}

const canonical = (quantities: readonly InjectionSettings['limits'][]): unknown => quantities.map(({ cpu, memory }) => [canonicalQuantity(cpu), canonicalQuantity(memory)])
