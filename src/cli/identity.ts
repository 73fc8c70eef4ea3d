import type { Command } from 'commander'
import { openAuthority } from '../../certs/authority-folder.ts'
import { writeCredentials } from '../../certs/credential-folder.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { parseSpiffeId, spiffeId } from '../core/identity.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { authorityFolder, TRUST_DOMAIN } from './data-folder.ts'

interface Flags { data: string, namespace: string, uid: string, out: string }

export function identityCommand (context: CliContext, done: (status: number) => void): Command {
  const issue = verb('issue', 'a day\'s certificate for the observer or the proxy of one pod, from the CA of the standalone mode', [
    'autoshield identity issue --namespace shop --uid db-0 --out ./db-0-identity',
  ]).addOption(dataOption())
    .requiredOption('--namespace <name>', 'the pod\'s namespace')
    .requiredOption('--uid <uid>', 'the pod\'s uid, as in the pod file')
    .requiredOption('--out <dir>', 'folder for cert.pem, key.pem and ca.pem')
    .action(async ({ data, namespace, uid, out }: Flags) => {
      const identity = { trustDomain: TRUST_DOMAIN, namespace, uid }
      if (parseSpiffeId(spiffeId(identity)) === null) throw new AutoshieldError('USAGE', `--namespace ${namespace} --uid ${uid} make no SPIFFE ID; a namespace is a DNS label, a uid has letters, digits, dots, dashes and underscores.`)
      const authority = await openAuthority(authorityFolder(data), TRUST_DOMAIN, systemClock)
      await writeCredentials(out, authority.issueWithKey({ identity }, systemClock.now()))
      context.stdout.write(`${out}: ${spiffeId(identity)}\n`)
      done(EXIT.ok)
    })
  return verb('identity', 'identities of the standalone mode', ['autoshield identity issue --namespace shop --uid db-0 --out ./id']).addCommand(issue)
}
