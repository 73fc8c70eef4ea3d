import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.ts'

const DAYS = '30'
/** OpenSSL's own configuration would make every certificate an authority's. */
const CONFIGURATION = '[req]\ndistinguished_name = name\n[name]\n'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS]

/** A cluster's own certificate authority and service account keys, in a folder: `ca.crt`, `ca.key`, `sa.key`, `sa.pub`. */
export class Pki {
  readonly folder: string

  private constructor (folder: string) { this.folder = folder }

  static async make (folder: string): Promise<Pki> {
    const pki = new Pki(folder)
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } })
    writeFileSync(pki.path('sa.key'), privateKey, { mode: 0o600 })
    writeFileSync(pki.path('sa.pub'), publicKey)
    writeFileSync(pki.path('openssl.cnf'), CONFIGURATION)
    await command('openssl', ['req', '-x509', '-config', pki.path('openssl.cnf'), ...NEW_KEY, '-keyout', pki.path('ca.key'), '-out', pki.path('ca.crt'), '-subj', '/CN=autoshield-test-cluster', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'])
    return pki
  }

  path (name: string): string { return join(this.folder, name) }

  /** Makes `NAME.crt` and `NAME.key` for a Kubernetes user (`commonName`), its group and the addresses it serves at. */
  async issue (name: string, { commonName, group, addresses = [] }: { commonName: string, group?: string, addresses?: readonly string[] }): Promise<void> {
    await command('openssl', ['req', '-x509', '-config', this.path('openssl.cnf'), ...NEW_KEY, '-CA', this.path('ca.crt'), '-CAkey', this.path('ca.key'), '-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.crt`),
      '-subj', `${group === undefined ? '' : `/O=${group}`}/CN=${commonName}`,
      '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=digitalSignature,keyEncipherment', '-addext', 'extendedKeyUsage=clientAuth,serverAuth',
      ...(addresses.length === 0 ? [] : ['-addext', `subjectAltName=${addresses.join(',')}`])])
  }

  /** The text of a kubeconfig for a user that was issued a certificate. Holds all that it needs: it can be copied anywhere. */
  kubeconfig (name: string, server: string): string {
    const data = (file: string): string => readFileSync(this.path(file)).toString('base64')
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'autoshield-test', cluster: { server, 'certificate-authority-data': data('ca.crt') } }],
      users: [{ name, user: { 'client-certificate-data': data(`${name}.crt`), 'client-key-data': data(`${name}.key`) } }],
      contexts: [{ name: 'autoshield-test', context: { cluster: 'autoshield-test', user: name } }],
      'current-context': 'autoshield-test',
    }, null, 2)
  }
}
