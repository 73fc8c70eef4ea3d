/** One round of MurmurHash3's body (public domain, Austin Appleby). */
export function mix (hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  hash ^= Math.imul(k, 0x1b873593)
  hash = (hash << 13) | (hash >>> 19)
  return (Math.imul(hash, 5) + 0xe6546b64) | 0
}

/** MurmurHash3's finalizer: every bit of the input reaches every bit of the result. */
export function finish (hash: number): number {
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** 0 to 2^32 - 1 over the bytes of the text's UTF-8; another seed, another hash. */
export function hashText (text: string, seed: number): number {
  let hash = seed
  for (const byte of new TextEncoder().encode(text)) hash = mix(hash, byte)
  return finish(hash) >>> 0
}
