import { X509Certificate } from 'node:crypto'
import type { Command } from 'commander'
import { readCredentials } from '../../certs/credential-folder.ts'
import { requestRotation } from '../../certs/secret-authority.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { identityOfPeer, spiffeId, type Credentials } from '../core/identity.ts'
import { checkCredentials, readCertificates, renewAtMs } from '../wire/check-credentials.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'

/** `identity show FOLDER`: whose it is, until when, and whether it can be used now. */
export function showCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('show', 'whose an identity is, until when it holds, and whether it can be used now (exit 79 if not)', ['autoshield identity show .autoshield/identities/detector'])
    .argument('<dir>', 'folder of cert.pem, key.pem and ca.pem')
    .action(async (folder: string) => {
      const credentials = await readCredentials(folder)
      const problem = checkCredentials(credentials, { nowMs: systemClock.now() })?.detail ?? null
      context.stdout.write(`${[...describe(credentials, folder), `usable     ${problem === null ? 'yes' : `no: ${problem}`}`].join('\n')}\n`)
      done(problem === null ? EXIT.ok : EXIT.findings)
    })
}

function describe ({ certificate, authorities }: Credentials, folder: string): string[] {
  try {
    const leaf = new X509Certificate(certificate)
    const identity = identityOfPeer({ subjectaltname: leaf.subjectAltName })
    return [
      `identity   ${identity === null ? 'none: the certificate names no pod' : spiffeId(identity)}`,
      `valid      ${leaf.validFromDate.toISOString()} to ${leaf.validToDate.toISOString()}`,
      `renewal    ${new Date(renewAtMs(certificate, 0)).toISOString()}`,
      ...readCertificates(authorities).map((authority) => `authority  until ${authority.validToDate.toISOString()}, sha256 ${authority.fingerprint256}`),
    ]
  } catch (cause) {
    throw new AutoshieldError('BAD_DATA', `${folder} holds no certificate that can be read (${AutoshieldError.from(cause).message}); make one with 'autoshield identity issue'.`, { cause })
  }
}

/** `identity rotate-root`: the controller makes a new root; it signs a day later. */
export function rotateRootCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('rotate-root', 'have the cluster\'s certificate authority replaced: a new root is trusted now and signs a day later', ['autoshield identity rotate-root']))
    .option('--namespace <name>', 'AutoShield\'s own', 'autoshield')
    .action(async ({ namespace, ...flags }: KubernetesFlags & { namespace: string }) => {
      using api = openFrom(context, flags)
      await requestRotation(api, namespace)
      context.stdout.write(`asked for in Secret ${namespace}/autoshield-ca; the controller makes the new root, and the old one leaves when every certificate of it has ended\n`)
      done(EXIT.ok)
    })
}
