import type { AttackClass } from '../../../src/core/classes.ts'
import type { Job } from '../clients/workload.ts'
import type { World } from '../draw-world.ts'
import type { Place } from '../place.ts'

/** Ordinary work of one pod: jobs of the small client, or a shell command that runs (and is ended) with the load. */
export type Load = {
  readonly name: string
  readonly pod: Place
  /** Requests, connections, queries or datagrams a second; null where the work sets its own pace. */
  readonly rate: number | null
} & ({ readonly job: Job } | { readonly command: string })

/** One kind of ordinary traffic, whose particulars each run draws anew. */
export interface Kind {
  /** What it is spoken to, as attacks name it, too: whole services are held out from training. */
  readonly service: string
  /** The attack that it is most easily taken for. */
  readonly looksLike?: AttackClass
  /** Null where the laboratory has no such server. */
  readonly draw: (world: World) => Load | readonly Load[] | null
}

export type Kinds = Readonly<Record<string, Kind>>

export const forever = (body: string, seconds: string | number): string => `while :; do ${body}; sleep ${seconds}; done`

/** A client that is not the server itself, nor the pod that answers names. */
export const client = ({ random, everyone }: World, ...servers: readonly Place[]): Place => random.pick(everyone.filter((pod) => !servers.includes(pod) && pod.name !== 'names'))

/** All that listens for TCP without being asked for more than a connection. */
export const listeners = ({ pod, apps, settings }: World): { host: string, port: number }[] => [
  { host: pod('web').address, port: 80 }, { host: pod('web').address, port: 443 }, { host: pod('database').address, port: 5432 }, { host: pod('cache').address, port: 6379 },
  { host: pod('files').address, port: 445 }, ...apps.flatMap((app) => [settings.appPort, ...settings.tcpPorts].map((port) => ({ host: app.address, port }))),
]
