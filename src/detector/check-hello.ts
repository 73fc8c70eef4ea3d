import { spiffeId, type Identity } from '../core/identity.ts'
import { FEATURE_SCHEMA } from '../core/window/window.ts'
import { addressFromBytes } from '../wire/address.ts'
import type { Hello } from '../wire/gen/ingest_pb.ts'
import { refusal, type Refusal } from './refusal.ts'
import type { ReporterScope } from './reporter-scope.ts'

const BOOT_ID_BYTES = 16
/** Of a text from outside, as it is shown in a refusal. */
const quote = (text: string): string => JSON.stringify(text.slice(0, 256))

/** Why an observer is not let in; null where it is. `identity` is what its certificate says, `scope` what that may speak of. */
export function checkHello (hello: Hello, identity: Identity, scope: ReporterScope | null): Refusal | null {
  const certified = spiffeId(identity)
  if (hello.identity !== certified) return refusal('NotYours', `hello says ${quote(hello.identity)}, but the certificate is that of ${certified}`)
  if (scope === null) return refusal('Unknown', `${certified} is no pod that this detector knows`)
  if (hello.featureSchema !== FEATURE_SCHEMA) {
    return refusal('OtherSchema', `hello speaks feature schema ${quote(hello.featureSchema)}, this detector ${FEATURE_SCHEMA}; run the same version of both`)
  }
  if (hello.bootId.length !== BOOT_ID_BYTES) return refusal('Malformed', `a boot id has ${BOOT_ID_BYTES} bytes, not ${hello.bootId.length}`)
  for (const bytes of hello.ownAddresses) {
    const address = addressFromBytes(bytes)
    if (address === null) return refusal('Malformed', `an own address has ${bytes.length} bytes; IPv4 has 4 and IPv6 16`)
    if (scope.kind === 'own' && !scope.owns(address)) return refusal(scope.isKnown(address) ? 'NotYours' : 'Unknown', `${address} is not an address of ${certified}`)
  }
  return null
}
