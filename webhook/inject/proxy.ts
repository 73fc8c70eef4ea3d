import type { AdmissionFinding } from '../../src/core/admission/entry.ts'
import { ANNOTATIONS, LABELS, PROXY_PORTS } from '../../src/core/injection/names.ts'
import type { PodProxy } from '../../src/core/injection/pod-proxy.ts'
import type { InjectionSettings, PodSecurityLevel } from '../../src/core/injection/settings.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import { finding, quote } from './finding.ts'
import { applicationContainers, hasPort, isMeshed, type PodShape } from './pod-shape.ts'

export interface ChosenProxy {
  readonly proxy: PodProxy | null
  /** What it covers and what not, or why there is none; null where nobody asked for one. */
  readonly why: string | null
  readonly findings: readonly AdmissionFinding[]
}

type PortPair = PodProxy['explicitPorts'][number]

/**
 * Whether a pod that gets an observer gets an Envoy, too, and how connections reach it. The first row that fits decides.
 *
 * | row | when | answer |
 * | --- | --- | --- |
 * | 1 | the label `autoshield.dev/proxy` of the pod, or without one the namespace's, is not `enabled` | none |
 * | 2 | the settings name no xds | none |
 * | 3 | a container of another service mesh is in the pod | none: two redirects would contend |
 * | 4 | Pod Security privileged | redirect |
 * | 5 | annotations name ports | explicit |
 * | 6 | otherwise | none |
 *
 * Findings: BadAnnotation for a label that is neither `enabled` nor `disabled` (it counts as absent), and for an annotation of ports
 * that cannot be read or names a port that is taken (it counts as absent as a whole).
 */
export function chooseProxy (pod: PodShape, namespace: Namespace, level: PodSecurityLevel, settings: InjectionSettings): ChosenProxy {
  const [ofPod, ofNamespace] = [readLabel(pod.labels[LABELS.proxy], 'the pod'), readLabel(namespace.labels[LABELS.proxy], `namespace ${namespace.name}`)]
  const findings = [...ofPod.findings, ...ofPod.value === null ? ofNamespace.findings : []]
  if ((ofPod.value ?? ofNamespace.value) !== 'enabled') return { proxy: null, why: null, findings }
  const none = (why: string): ChosenProxy => ({ proxy: null, why: `no proxy: ${why}`, findings })
  if (settings.xds === null) return none('the setting xds does not say where it would get its configuration')
  if (isMeshed(pod)) return none('another service mesh redirects this pod\'s connections')
  const ports = readPorts(pod, settings)
  const all = { inboundPort: PROXY_PORTS.inbound, httpPorts: ports.http, accessLog: true }
  if (level === 'privileged') {
    const proxy: PodProxy = { ...all, mode: 'redirect', transparentPort: PROXY_PORTS.transparent, outboundPort: PROXY_PORTS.outbound, explicitPorts: [] }
    return { proxy, why: 'proxy: every TCP connection from and to other pods is redirected to it, and applications see their clients\' addresses; UDP is not covered', findings: [...findings, ...ports.findings] }
  }
  const forbidden = `Pod Security ${level} forbids to redirect`
  if (ports.pairs.length === 0) {
    return { ...none(`${forbidden}, and no annotation ${ANNOTATIONS.proxyPorts} or ${ANNOTATIONS.httpPorts} names a port that it could stand before`), findings: [...findings, ...ports.findings] }
  }
  const places = ports.pairs.map(({ listen, application }) => `${listen} before ${application}`).join(', ')
  return {
    proxy: { ...all, mode: 'explicit', outboundPort: null, explicitPorts: [...ports.pairs] },
    why: `proxy: ${forbidden}, so it listens on ${places}; what comes to the application's own ports, and what the pod calls, is not covered, and the application sees 127.0.0.1 as its client`,
    findings: [...findings, ...ports.findings],
  }
}

function readLabel (value: unknown, whose: string): { value: 'enabled' | 'disabled' | null, findings: readonly AdmissionFinding[] } {
  if (value === undefined || value === 'enabled' || value === 'disabled') return { value: value ?? null, findings: [] }
  return { value: null, findings: [finding('BadAnnotation', `label ${LABELS.proxy}=${quote(value)} of ${whose} is neither enabled nor disabled and counts as absent; correct or remove it.`)] }
}

interface Ports { readonly http: number[], readonly pairs: readonly PortPair[], readonly findings: readonly AdmissionFinding[] }

/** A port of the application without one of the proxy's own stands this much higher there: 8080 behind 18080. */
const HIGHER = 10_000
const MAX_PORTS = 64

function readPorts (pod: PodShape, settings: InjectionSettings): Ports {
  const findings: AdmissionFinding[] = []
  const read = <T extends number | PortPair>(annotation: string, parse: (word: string) => T | string): readonly T[] => {
    const text = pod.annotations[annotation]
    if (text === undefined) return []
    const parsed = typeof text === 'string' ? text.split(',', MAX_PORTS + 1).map((word) => parse(word.trim())) : ['is no text']
    const fault = parsed.length > MAX_PORTS ? `names more than ${MAX_PORTS} ports` : parsed.find((value) => typeof value === 'string')
    if (fault === undefined) return parsed.filter((value): value is T => typeof value !== 'string')
    findings.push(finding('BadAnnotation', `annotation ${annotation}=${quote(text)} ${fault}; correct or remove it. It counts as absent.`))
    return []
  }
  const taken = (listen: number): string | null => listen === settings.healthPort || Object.values<number>(PROXY_PORTS).includes(listen) || applicationContainers(pod).some((container) => hasPort(container, listen))
    ? `would have the proxy listen on ${listen}, which is taken`
    : null
  const pairOf = (application: number): PortPair | string => application + HIGHER > 65535 ? `gives port ${application} no port of the proxy's own: write LISTEN:${application}` : checked({ listen: application + HIGHER, application })
  const checked = (pair: PortPair): PortPair | string => taken(pair.listen) ?? (pair.listen === pair.application ? `names ${pair.listen} for both` : pair)
  const http = [...new Set(read(ANNOTATIONS.httpPorts, (word) => portOf(word) ?? `has ${quote(word)}, which is no port`))]
  const named = read(ANNOTATIONS.proxyPorts, (word) => {
    const [listen, application] = word.split(':', 2).map(portOf)
    if (listen == null || application === null) return `has ${quote(word)}, which is no LISTEN:APPLICATION`
    return application === undefined ? pairOf(listen) : checked({ listen, application })
  })
  const derived = http.filter((port) => !named.some(({ application }) => application === port)).map(pairOf)
  const pairs = [...named, ...derived.filter((pair) => typeof pair !== 'string')]
  return { http, pairs: pairs.filter(({ listen }, at) => pairs.findIndex((other) => other.listen === listen) === at), findings }
}

function portOf (word: string): number | null {
  const port = /^[0-9]{1,5}$/.test(word) ? Number(word) : 0
  return port >= 1 && port <= 65535 ? port : null
}
