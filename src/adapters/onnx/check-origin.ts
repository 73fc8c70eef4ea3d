import { AutoshieldError } from '../../core/errors.ts'
import { type GoodOrigin, originOf } from '../../core/model/origin.ts'
import type { ModelManifest } from './manifest.ts'
import { checkSignature, manifestHash, type ModelKeys } from './signature.ts'

/** Whose models are believed. */
export interface ModelTrust {
  readonly keys: ModelKeys
  readonly unsigned: 'allow' | 'refuse'
  /** `manifestHash` of the model that came with this program; null where there is none. */
  readonly shipped: string | null
}

/** Where a model comes from. Throws UNTRUSTED where nobody who is believed vouches for it. */
export function checkOrigin (manifest: ModelManifest, path: string, { keys, unsigned, shipped }: ModelTrust): GoodOrigin {
  const origin = originOf({ signature: checkSignature(manifest, keys), isShipped: manifestHash(manifest) === shipped, unsigned })
  const known = keys.size === 0 ? 'none' : [...keys.keys()].join(', ')
  const keyId = manifest.signature?.keyId ?? ''
  switch (origin) {
    case 'signed':
    case 'shipped':
    case 'unsigned-allowed':
      return origin
    case 'unsigned':
      throw new AutoshieldError('UNTRUSTED', `${path} is not signed; sign it with \`autoshield model sign\`, or allow such models with --allow-unsigned-model`)
    case 'unknown-key':
      throw new AutoshieldError('UNTRUSTED', `${path} is signed with key ${keyId}, which is not known (known: ${known}); give its public key with --model-keys`)
    case 'wrong-signature':
      throw new AutoshieldError('UNTRUSTED', `${path} was changed after it was signed with key ${keyId}; get it anew from whoever signed it`)
  }
}
