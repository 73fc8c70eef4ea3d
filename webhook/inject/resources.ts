import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import { ANNOTATIONS } from '../../src/core/injection/names.ts'
import { canonicalQuantity, parseQuantity } from '../../src/core/injection/quantity.ts'
import type { InjectionSettings } from '../../src/core/injection/settings.ts'
import { finding, quote } from './finding.ts'
import { applicationContainers, isJson, type Json, type PodShape } from './pod-shape.ts'

const NAMES = ['cpu', 'memory'] as const
type Name = (typeof NAMES)[number]
const BY_ANNOTATION = {
  cpu: { request: ANNOTATIONS.cpuRequest, limit: ANNOTATIONS.cpuLimit },
  memory: { request: ANNOTATIONS.memoryRequest, limit: ANNOTATIONS.memoryLimit },
} as const

export interface ChosenResources {
  /** Undefined where the pod's own bound covers every container. */
  readonly resources: Json | undefined
  readonly findings: readonly AdmissionFinding[]
}

/**
 * Requests and limits of the observer: the settings', or an annotation's within bounds. A request is above 0 and at most
 * the limit; a limit is at least the settings' request (an author could starve the observer otherwise) and at most the
 * settings' maximum. What does not fit falls back to the settings, with a finding.
 *
 * A pod that has bounds of its own as a whole (`spec.resources`) is refused where its containers ask for more in sum,
 * so there the observer asks for nothing and shares the pod's. A pod of class Guaranteed stays one: requests are
 * raised to the limits.
 */
export function chooseResources (pod: PodShape, settings: InjectionSettings): ChosenResources {
  const findings: AdmissionFinding[] = []
  const [cpu, memory] = [choose(pod, 'cpu', settings, findings), choose(pod, 'memory', settings, findings)]
  return { resources: fitted(pod, { cpu: cpu.request, memory: memory.request }, { cpu: cpu.limit, memory: memory.limit }), findings }
}

/** Requests and limits of the proxy: the settings', which no annotation changes. */
export const proxyResources = (pod: PodShape, { proxyRequests, proxyLimits }: InjectionSettings): Json | undefined => fitted(pod, proxyRequests, proxyLimits)

function fitted (pod: PodShape, request: Readonly<Record<Name, string>>, limit: Readonly<Record<Name, string>>): Json | undefined {
  const names = NAMES.filter((name) => !boundsOfPod(pod).has(name))
  const written = (quantities: Readonly<Record<Name, string>>): Json => Object.fromEntries(names.map((name) => [name, canonicalQuantity(quantities[name])]))
  return names.length === 0 ? undefined : { limits: written(limit), requests: written(isGuaranteed(pod) ? limit : request) }
}

function choose (pod: PodShape, name: Name, settings: InjectionSettings, findings: AdmissionFinding[]): { request: string, limit: string } {
  const usual = { request: settings.requests[name], limit: settings.limits[name] }
  const lowest = settings.requests[name]
  const highest = settings.maximum[name]
  const read = (annotation: string, usual: string, least: string | null): string => {
    const asked = pod.annotations[annotation]
    if (asked === undefined) return usual
    const fault = typeof asked === 'string' ? outside(asked, least, highest) : 'is no text'
    if (fault === null && typeof asked === 'string') return asked
    findings.push(finding('BadAnnotation', `annotation ${annotation}=${quote(asked)} ${fault ?? ''}; correct or remove it. Taken: ${usual}.`))
    return usual
  }
  const chosen = { request: read(BY_ANNOTATION[name].request, usual.request, null), limit: read(BY_ANNOTATION[name].limit, usual.limit, lowest) }
  if ((parseQuantity(chosen.request) ?? 0n) <= (parseQuantity(chosen.limit) ?? 0n)) return chosen
  // The usual request fits under every limit that is let through, so it is the annotation's.
  const annotated = BY_ANNOTATION[name].request
  findings.push(finding('BadAnnotation', `annotation ${annotated}=${quote(pod.annotations[annotated])} asks for more than the limit of ${chosen.limit}; raise ${BY_ANNOTATION[name].limit}, too. Taken: ${usual.request}.`))
  return { request: usual.request, limit: chosen.limit }
}

function outside (text: string, least: string | null, most: string): string | null {
  const value = parseQuantity(text)
  if (value === null) return 'is no quantity such as 250m or 128Mi'
  if (value === 0n) return 'is nothing'
  if (least !== null && value < (parseQuantity(least) ?? 0n)) return `is less than ${least}, which the observer needs`
  return value > (parseQuantity(most) ?? 0n) ? `is more than the ${most} that the operator allows` : null
}

function boundsOfPod ({ spec }: PodShape): ReadonlySet<string> {
  const { resources } = spec
  if (!isJson(resources)) return new Set()
  return new Set(['requests', 'limits'].flatMap((kind) => isJson(resources[kind]) ? Object.keys(resources[kind]) : []))
}

/** Whether every container has limits that are its requests, for processor and memory: Kubernetes kills such pods last. */
function isGuaranteed (pod: PodShape): boolean {
  const containers = applicationContainers(pod)
  return containers.length > 0 && containers.every(({ resources }) => isJson(resources) && NAMES.every((name) => {
    const limit = isJson(resources['limits']) ? resources['limits'][name] : undefined
    const request = isJson(resources['requests']) ? resources['requests'][name] : undefined
    return limit !== undefined && (request === undefined || sameQuantity(request, limit))
  }))
}

function sameQuantity (left: unknown, right: unknown): boolean {
  const [one, other] = [parseQuantity(String(left)), parseQuantity(String(right))]
  return one === null || other === null ? left === right : one === other
}
