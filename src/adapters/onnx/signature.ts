import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson } from '../../core/canonical-json.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { SignatureFound } from '../../core/model/origin.ts'
import type { ModelManifest } from './manifest.ts'

/** By key id. */
export type ModelKeys = ReadonlyMap<string, KeyObject>

const MAX_KEYS = 64
const PUBLIC_BLOCK = /-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g
const MAKE_ONE = 'make a pair with `openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub`'

/** First 16 hexadecimal digits of the SHA-256 of the public key in DER (SPKI). */
export function keyIdOf (key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return createHash('sha256').update(half.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16)
}

/** Public keys of a text, one or several, as PEM. `path` is for the messages. Throws BAD_DATA. */
export function parsePublicKeys (text: string, path: string): ModelKeys {
  if (text.includes('PRIVATE KEY')) throw new AutoshieldError('BAD_DATA', `${path} holds a private key, where the public ones of those who sign models belong; ${MAKE_ONE}`)
  const blocks = text.match(PUBLIC_BLOCK) ?? []
  if (blocks.length === 0 || blocks.length > MAX_KEYS) throw new AutoshieldError('BAD_DATA', `${path} holds ${blocks.length} public keys in PEM, where 1 to ${MAX_KEYS} belong; ${MAKE_ONE}`)
  return new Map(blocks.map((block) => {
    const key = ed25519(block, path, createPublicKey)
    return [keyIdOf(key), key]
  }))
}

/** Throws BAD_DATA where the text is no private Ed25519 key in PEM. */
export const parsePrivateKey = (text: string, path: string): KeyObject => ed25519(text, path, createPrivateKey)

function ed25519 (text: string, path: string, read: (text: string) => KeyObject): KeyObject {
  try {
    const key = read(text)
    if (key.asymmetricKeyType === 'ed25519') return key
    throw new Error(`it is of type ${key.asymmetricKeyType ?? 'unknown'}`)
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${path} holds no Ed25519 key in PEM (${cause instanceof Error ? cause.message : String(cause)}); ${MAKE_ONE}`, { cause })
  }
}

/** What is signed: the canonical JSON of the manifest without its signature. The graph is in it by its hash. */
const signedText = ({ signature: _, ...manifest }: ModelManifest): Buffer => Buffer.from(canonicalJson(manifest))

/** SHA-256, in hexadecimal, of what a signature of the manifest would sign: equal manifests have one. */
export const manifestHash = (manifest: ModelManifest): string => createHash('sha256').update(signedText(manifest)).digest('hex')

/** The manifest with the signature of this private key in place of any that it had. */
export function signManifest (manifest: ModelManifest, key: KeyObject): ModelManifest {
  return { ...manifest, signature: { keyId: keyIdOf(key), value: sign(null, signedText(manifest), key).toString('base64') } }
}

export function checkSignature (manifest: ModelManifest, keys: ModelKeys): SignatureFound {
  const { signature } = manifest
  if (signature === undefined) return 'none'
  const key = keys.get(signature.keyId)
  if (key === undefined) return 'unknown-key'
  return verify(null, signedText(manifest), key, Buffer.from(signature.value, 'base64')) ? 'good' : 'wrong'
}
