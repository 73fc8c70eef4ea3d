import { TensorTable, type HeldWindows, type TensorView } from '../core/tensor/tensor-table.ts'
import type { StepMs, Window, WindowKey } from '../core/window/window.ts'

const SHARDS = 16

/**
 * The tensors of all lanes. A table gives up its least recently used keys when it is full, so one pod that scans tens of
 * thousands of addresses would push out everyone's: live lanes are spread over 16 tables, of which it can fill only its
 * own. A replay speaks for all pods at once and has a table for itself, made when the first one comes.
 */
export class TensorTables {
  readonly #shards: readonly TensorTable[]
  readonly #maxKeys: number
  #replay: TensorTable | null = null

  constructor (maxKeys: number) {
    this.#maxKeys = maxKeys
    this.#shards = Array.from({ length: SHARDS }, () => new TensorTable({ capacity: Math.ceil(maxKeys / SHARDS) }))
  }

  get size (): number {
    return this.#all().reduce((sum, { size }) => sum + size, 0)
  }

  /** Keys that lost their tensors for want of room. */
  get evicted (): number {
    return this.#all().reduce((sum, { evicted }) => sum + evicted, 0)
  }

  /** As TensorTable.push: the view is valid until the next push. */
  push (lane: string, replay: boolean, window: Window): TensorView | null {
    if (!replay) return this.#shards[hash(lane) % SHARDS]?.push(lane, window) ?? null
    this.#replay ??= new TensorTable({ capacity: this.#maxKeys })
    return this.#replay.push(lane, window)
  }

  /** Of a live lane: what is held of a key, and the end of the newest window that went for want of room beside it, Unix ms. */
  held (lane: string, key: WindowKey, stepMs: StepMs): { readonly held: HeldWindows | null, readonly lostMs: number } {
    const table = this.#shards[hash(lane) % SHARDS]
    return { held: table?.held(lane, key, stepMs) ?? null, lostMs: table?.lostMs ?? 0 }
  }

  #all (): readonly TensorTable[] {
    return this.#replay === null ? this.#shards : [...this.#shards, this.#replay]
  }
}

/** FNV-1a, 32 bits. */
function hash (text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
