import type { Any } from '@bufbuild/protobuf/wkt'
import type { Client } from '@grpc/grpc-js'

/** All resources of one type. */
export interface Held {
  /** Changes exactly when the resources do, for servers that need a version from whoever sets them. */
  readonly version: string
  readonly resources: readonly { readonly name: string, readonly body: Any }[]
}

/** The server under test: what the player needs beside the protocol itself. */
export interface Control {
  /**
   * Resolves when every request that comes later is answered from these resources. They are complete: a type that is not
   * named has none. They go to the node `NODE_ID`.
   */
  readonly set: (world: ReadonlyMap<string, Held>) => Promise<void> | void
  /** A connection of its own to the server, as the node `NODE_ID`. */
  readonly open: () => Client
}

export const NODE_ID = 'conformance'
