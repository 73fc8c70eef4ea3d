/** A map that forgets what was set longest ago when it is full. */
export class BoundedMap<K, V> {
  readonly #map = new Map<K, V>()
  readonly #size: number

  constructor (size: number) {
    this.#size = size
  }

  get (key: K): V | undefined {
    return this.#map.get(key)
  }

  has (key: K): boolean {
    return this.#map.has(key)
  }

  set (key: K, value: V): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    const oldest = this.#map.keys().next()
    if (this.#map.size > this.#size && oldest.done !== true) this.#map.delete(oldest.value)
  }

  delete (key: K): void {
    this.#map.delete(key)
  }

  values (): Iterable<V> {
    return this.#map.values()
  }
}
