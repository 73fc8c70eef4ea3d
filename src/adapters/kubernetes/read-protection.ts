import { Type, type TSchema, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { addressText, parseAddress } from '../../core/flow/address.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { BackEnds, Caller, ServiceView } from '../../core/safety/protection-view.ts'

const texts = Type.Optional(Type.Array(Type.String()))
const optionalList = <T extends TSchema>(item: T) => Type.Optional(Type.Array(item))

const Service = Compile(Type.Object({
  spec: Type.Object({ clusterIP: Type.Optional(Type.String()), clusterIPs: texts, ports: optionalList(Type.Object({ port: Type.Integer() })) }),
}))
const Slice = Compile(Type.Object({
  endpoints: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.Object({
    addresses: Type.Array(Type.String()),
    targetRef: Type.Optional(Type.Object({ kind: Type.Optional(Type.String()), uid: Type.Optional(Type.String()) })),
  }))])),
}))
const service = Type.Object({ namespace: Type.String(), name: Type.String() })
const Webhooks = Compile(Type.Object({ webhooks: optionalList(Type.Object({ clientConfig: Type.Object({ service: Type.Optional(service) }) })) }))
const ApiService = Compile(Type.Object({ spec: Type.Object({ service: Type.Optional(Type.Union([Type.Null(), service])) }) }))

/** The text of an address as the rest of the program writes it; nothing for `None` and host names. */
function canonical (text: string): string[] {
  const words = parseAddress(text)
  return words === null ? [] : [addressText(words, 0)]
}

const named = ({ metadata: { namespace = '', name } }: KubernetesObject) => ({ namespace, name })

/** null for what is none. */
export function readService (object: KubernetesObject): ServiceView | null {
  if (!Service.Check(object)) return null
  const { clusterIP = '', clusterIPs = [clusterIP], ports = [] } = object.spec
  return { ...named(object), addresses: clusterIPs.flatMap(canonical), ports: ports.map(({ port }) => port) }
}

/** null for what is of no Service. */
export function readBackEnds (object: KubernetesObject): BackEnds | null {
  const { namespace, name } = named(object)
  const of = object.metadata.labels?.['kubernetes.io/service-name']
  if (of === undefined || !Slice.Check(object)) return null
  const endpoints = object.endpoints ?? []
  return {
    namespace,
    slice: name,
    service: of,
    addresses: endpoints.flatMap(({ addresses }) => addresses.flatMap(canonical)),
    podUids: endpoints.flatMap(({ targetRef }) => targetRef?.kind === 'Pod' && targetRef.uid !== undefined ? [targetRef.uid] : []),
  }
}

/** The Services that a webhook configuration has the API server call; empty for none. */
export function readWebhookCallers (object: KubernetesObject): readonly Caller[] {
  if (!Webhooks.Check(object)) return []
  const { name } = object.metadata
  return (object.webhooks ?? []).flatMap(({ clientConfig }) => clientConfig.service === undefined ? [] : [{ name: `${object.kind} ${name}`, service: refOf(clientConfig.service) }])
}

/** null for an API that the API server serves itself. */
export function readApiServiceCaller (object: KubernetesObject): Caller | null {
  if (!ApiService.Check(object) || object.spec.service == null) return null
  return { name: `APIService ${object.metadata.name}`, service: refOf(object.spec.service) }
}

const refOf = ({ namespace, name }: Static<typeof service>): Caller['service'] => ({ namespace, name })
