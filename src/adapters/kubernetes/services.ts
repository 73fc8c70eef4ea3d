import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { addressText, parseAddress } from '../../core/flow/address.ts'
import type { FlowService } from '../../core/history/flow-record.ts'
import type { LabelSelector } from '../../core/kubernetes/label-selector.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { RESOURCES } from '../../core/kubernetes/resource.ts'
import { TRANSPORTS } from '../../core/kubernetes/transport.ts'
import { podsBehind } from '../../core/plan/service-pods.ts'
import type { Pod } from '../../core/pod.ts'
import type { ServiceDirectory } from '../../ports/directories.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import { Mirror } from './mirror.ts'
import { readBackEnds } from './read-protection.ts'

const Service = Compile(Type.Object({
  spec: Type.Object({
    clusterIP: Type.Optional(Type.String()),
    clusterIPs: Type.Optional(Type.Array(Type.String())),
    selector: Type.Optional(Type.Record(Type.String(), Type.String())),
    ports: Type.Optional(Type.Array(Type.Object({
      protocol: Type.Optional(Type.Enum([...TRANSPORTS])), port: Type.Integer(), targetPort: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
    }))),
  }),
}))

interface Served { readonly service: Omit<FlowService, 'addresses'>, readonly addresses: readonly string[] }

/** Which Service has which address, as the API server knows it now. A Service without an address of its own has none here. */
export class KubernetesServices implements ServiceDirectory {
  readonly #services
  readonly #slices
  #byAddress: ReadonlyMap<string, FlowService> | null = null

  constructor (api: Pick<KubernetesApi, 'watch'>) {
    this.#services = new Mirror(api, { resource: RESOURCES.services, read: readServed })
    this.#slices = new Mirror(api, { resource: RESOURCES.endpointSlices, read: readBackEnds })
    const changed = (): void => { this.#byAddress = null }
    this.#services.onChange(changed)
    this.#slices.onChange(changed)
  }

  byAddress (address: string): FlowService | null {
    this.#byAddress ??= this.#read()
    return this.#byAddress.get(address) ?? null
  }

  inFrontOf (pod: Pod): readonly string[] {
    this.#byAddress ??= this.#read()
    return [...this.#byAddress].flatMap(([address, service]) => podsBehind(service, [pod]).length > 0 ? [address] : [])
  }

  /** Of those in a namespace that select pods. */
  selectorsIn (namespace: string): readonly LabelSelector[] {
    return this.#services.list().flatMap(({ service }) => service.namespace === namespace && Object.keys(service.selector).length > 0 ? [{ matchLabels: { ...service.selector } }] : [])
  }

  /** Follows the cluster until the signal aborts; call it once. */
  async run (signal: AbortSignal): Promise<void> {
    await Promise.all([this.#services.run(signal), this.#slices.run(signal)])
  }

  #read (): ReadonlyMap<string, FlowService> {
    const behind = Map.groupBy(this.#slices.list(), ({ namespace, service }) => `${namespace}/${service}`)
    return new Map(this.#services.list().flatMap(({ service, addresses }): [string, FlowService][] => {
      const selects = Object.keys(service.selector).length > 0
      const slices = behind.get(`${service.namespace}/${service.name}`) ?? []
      const whole = { ...service, addresses: selects ? [] : [...new Set(slices.flatMap((slice) => slice.addresses))].sort() }
      return addresses.map((address) => [address, whole])
    }))
  }
}

function readServed (object: KubernetesObject): Served | null {
  if (!Service.Check(object)) return null
  const { clusterIP = '', clusterIPs = [clusterIP], selector = {}, ports = [] } = object.spec
  const { namespace = '', name } = object.metadata
  return {
    service: { namespace, name, selector, ports: ports.map(({ protocol = 'TCP', port, targetPort = port }) => ({ protocol, port, target: targetPort })) },
    // `None` and the empty text are no addresses.
    addresses: clusterIPs.flatMap((text) => {
      const words = parseAddress(text)
      return words === null ? [] : [addressText(words, 0)]
    }),
  }
}
