import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { RECORDING_SUFFIX } from '../../../models/training/window-recording.ts'

/** What a pod's process is told. */
export const PodJob = Type.Object({
  name: Type.String(),
  /** The pod's own. */
  addresses: Type.Array(Type.String(), { minItems: 1 }),
  /** The program. */
  envoy: Type.String(),
  /** Of the pod's own loopback. */
  xdsPort: Type.Integer(),
  logSocket: Type.String(),
  /** Of the proxy's files, and of what the observers told. Its group is the proxy's. */
  folder: Type.String(),
  /** Folder of the proxy's identity. */
  credentials: Type.String(),
})
export type PodJob = Static<typeof PodJob>

/** As many as a webhook of ours gives a proxy where nothing else is set. */
export const PROXY_BOUNDS = { heapBytes: 256 * 2 ** 20, connections: 20_000 } as const

/** How often a source looked, and how many steps there were to look at: one that gets no processor looks too seldom, and sees lumps. */
export const Looks = Type.Object({ source: Type.String(), looks: Type.Integer(), steps: Type.Integer() })
export type Looks = Static<typeof Looks>

/** Where an array of Looks lies once a pod's process has ended. */
export const looksPath = (folder: string): string => join(folder, 'looks.json')

/** Where one source's windows lie once its pod's process has ended. */
export const fragmentPath = (folder: string, source: string): string => join(folder, `${source}${RECORDING_SUFFIX}`)
