import { createHash } from 'node:crypto'
import { INJECTED_SOURCES, type InjectionContext, POD_SECURITY_LEVELS } from '../../src/core/injection/settings.ts'
import { canonicalQuantity } from '../../src/core/injection/quantity.ts'
import { identityVolume, observerContainer } from './observer-container.ts'

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
  const quantities = [requests, limits, maximum].map(({ cpu, memory }) => [canonicalQuantity(cpu), canonicalQuantity(memory)])
  const containers = POD_SECURITY_LEVELS.flatMap((level) => INJECTED_SOURCES.flatMap((source) => (['native', 'container'] as const).map((form) =>
    observerContainer({ profile: { level, source, form }, settings, resources: undefined, health: true, probe: true }))))
  return { revision, quantities, sidecar, defaultPodSecurity, imagePullSecrets, containers, volume: identityVolume(settings), authorities }
}
