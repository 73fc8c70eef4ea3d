import fastJsonPatch from 'fast-json-patch'
import fc from 'fast-check'
import t from 'tap'
import { POD_SECURITY_LEVELS } from '../../../src/core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../../../src/core/kubernetes/object.ts'
import { applyInjection } from '../../../webhook/inject/apply.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { patchOf } from '../../../webhook/inject/patch.ts'
import { contextWith } from './cases.ts'
import { anyNamespace, anyPod, validPod } from './pods.ts'

const xds = 'autoshield-xds.autoshield.svc:18000'
const contexts = [
  contextWith(), contextWith({ xds }), contextWith({ xds }, { cluster: { major: 1, minor: 27 } }), contextWith({ sidecar: 'container', imagePullSecrets: ['autoshield-registry'] }),
  contextWith({ xds, defaultPodSecurity: 'privileged', imagePullPolicy: 'Always' }),
]

type Json = Record<string, unknown>
const OURS = ['autoshield-observer', 'autoshield-identity', 'autoshield-proxy', 'autoshield-log']
const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The pod less all that has our names: what must be the same before and after. Empty lists count as absent. */
function without (pod: unknown, secrets: readonly string[]): unknown {
  const copy = structuredClone(pod)
  if (!isRecord(copy)) return copy
  const { metadata, spec } = copy
  const drop = (holder: unknown, field: string, keep: (value: unknown) => boolean): void => {
    if (!isRecord(holder)) return
    const value = holder[field]
    const left = Array.isArray(value) ? value.filter(keep) : isRecord(value) && field === 'annotations' ? Object.fromEntries(Object.entries(value).filter(([name]) => keep(name))) : value
    if (left === null || (Array.isArray(left) && left.length === 0) || (field === 'annotations' && isRecord(left) && Object.keys(left).length === 0)) Reflect.deleteProperty(holder, field)
    else if (value !== undefined) holder[field] = left
  }
  const foreign = (value: unknown): boolean => !(isRecord(value) && isAmong(OURS, value['name']))
  drop(metadata, 'annotations', (name) => name !== 'autoshield.dev/status' && name !== 'autoshield.dev/authorities')
  for (const list of ['initContainers', 'containers', 'volumes']) drop(spec, list, foreign)
  drop(spec, 'imagePullSecrets', (value) => !(isRecord(value) && isAmong(secrets, value['name'])))
  return copy
}

const isAmong = (names: readonly string[], name: unknown): boolean => typeof name === 'string' && names.includes(name)

/** Everything that must hold of any pod; true where an observer was put in. */
function holds (pod: KubernetesObject, namespace: Namespace, context: ReturnType<typeof contextWith>): boolean {
  const untouched = structuredClone(pod)
  const decision = decideInjection({ pod, namespace }, context)
  if (decision.kind === 'skip') return false
  const injected = applyInjection(pod, decision, context)
  const patch = patchOf(pod, injected)
  const asSent = JSON.parse(JSON.stringify(patch)) as fastJsonPatch.Operation[]
  const patched = fastJsonPatch.applyPatch(structuredClone(pod), asSent, true, true, false).newDocument
  same(pod, untouched, 'the pod that came is changed')
  same(patched, injected, 'the patch makes another pod')
  same(without(injected, context.settings.imagePullSecrets), without(pod, context.settings.imagePullSecrets), 'something that is not ours is touched')
  const again = decideInjection({ pod: patched, namespace }, context)
  same([again.kind, again.reason], ['skip', 'AlreadyInjected'], 'the second time is not quiet')
  same(patchOf(injected, applyInjection(injected, decision, context)), [], 'the second application changes something')
  return true
}

function same (is: unknown, should: unknown, otherwise: string): void {
  const [left, right] = [is, should].map(canonical)
  if (left !== right) throw new Error(`${otherwise}: ${left ?? ''} and not ${right ?? ''}`)
}

/** JSON with the keys of objects in order; much faster than a deep comparison with a report. */
const canonical = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => one < other ? -1 : 1)) : part)

t.test('whatever a pod holds, an answer and a right patch come of it', async (t) => {
  let injected = 0
  fc.assert(fc.property(anyPod, anyNamespace, fc.constantFrom(...contexts), (pod, namespace, context) => {
    if (holds(pod as KubernetesObject, namespace, context)) injected++
  }), { numRuns: 80_000 })
  t.ok(injected > 5_000, `${injected} of 80,000 were injected`)
})

t.test('a pod that the API server takes is injected wherever it is asked for', async (t) => {
  let injected = 0
  for (const level of POD_SECURITY_LEVELS) {
    const namespace = { name: 'shop', labels: { 'autoshield.dev/injection': 'required', 'pod-security.kubernetes.io/enforce': level }, annotations: {} }
    fc.assert(fc.property(validPod(level), fc.constantFrom(...contexts), (pod, context) => {
      if (holds(JSON.parse(JSON.stringify(pod)) as KubernetesObject, namespace, context)) injected++
    }), { numRuns: 7_000 })
  }
  t.ok(injected > 12_000, `${injected} of 21,000 were injected; the others run to an end where there are no native sidecars`)
})

t.test('the patch of any two values makes one of the other', async () => {
  // fast-json-patch refuses this one key; no field or label of a pod can have it (qualified names begin with a letter or digit).
  const value = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'))
  fc.assert(fc.property(value, value, (one, other) => {
    const [before, after] = [{ value: one }, { value: other }]
    const patch = structuredClone([...patchOf(before, after)]) as fastJsonPatch.Operation[]
    same(fastJsonPatch.applyPatch(structuredClone(before), patch, true, true, false).newDocument, after, 'the patch makes another value')
  }), { numRuns: 10_000 })
})
