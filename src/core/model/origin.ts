/** What the signature of a manifest came to: none, of a key that the operator gave, of another key, or not of this manifest. */
export type SignatureFound = 'none' | 'good' | 'unknown-key' | 'wrong'

export interface OriginFound {
  readonly signature: SignatureFound
  /** The manifest is, value by value, that of the model that came with this program. */
  readonly isShipped: boolean
  /** What the operator said of models without a signature. */
  readonly unsigned: 'allow' | 'refuse'
}

/** Of a model that may be loaded. */
export type GoodOrigin = 'signed' | 'shipped' | 'unsigned-allowed'
export type Origin = GoodOrigin | 'unsigned' | 'unknown-key' | 'wrong-signature'

/**
 * Where a model comes from. The first three are loaded. What came with the program is believed as the program is.
 *
 *     signature   | shipped | unsigned | origin
 *     wrong       | -       | -        | wrong-signature
 *     good        | -       | -        | signed
 *     unknown-key | yes     | -        | shipped
 *     unknown-key | no      | -        | unknown-key
 *     none        | yes     | -        | shipped
 *     none        | no      | allow    | unsigned-allowed
 *     none        | no      | refuse   | unsigned
 *
 * A model of an unknown key is refused also where unsigned ones are allowed: somebody vouches for it whom nobody knows.
 */
export function originOf ({ signature, isShipped, unsigned }: OriginFound): Origin {
  if (signature === 'wrong') return 'wrong-signature'
  if (signature === 'good') return 'signed'
  if (isShipped) return 'shipped'
  if (signature === 'unknown-key') return 'unknown-key'
  return unsigned === 'allow' ? 'unsigned-allowed' : 'unsigned'
}
