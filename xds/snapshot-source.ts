import type { SaidClientAddress } from './client-address.ts'
import type { Standing } from './session.ts'
import type { Snapshot } from './snapshot.ts'

/** A connected proxy, as its source of snapshots sees it. */
export interface Subscriber {
  readonly update: (snapshot: Snapshot) => void
  readonly standing: () => Standing
  /** Null while it has not said. */
  readonly clientAddress: () => SaidClientAddress | null
}

/** What the server serves from: the `Fleet`, or whatever else makes snapshots. */
export interface SnapshotSource {
  /** The snapshot that a proxy of this pod begins with. */
  current (podUid: string): Snapshot
  /** A proxy of this pod is there until the result is disposed; meanwhile it is updated with each new snapshot. */
  connect (podUid: string, subscriber: Subscriber): Disposable
  /** A proxy of this pod has answered. */
  answered (podUid: string): void
  /** Called every second: takes out what has expired since. */
  expire (): void
}
