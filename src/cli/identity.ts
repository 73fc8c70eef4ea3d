import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { openAuthority } from '../../certs/authority-folder.ts'
import { credentialFiles, writeCredentials } from '../../certs/credential-folder.ts'
import { bootstrapFiles } from '../../xds/bootstrap.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { parseSpiffeId, spiffeId } from '../core/identity.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { authorityFolder, TRUST_DOMAIN } from './data-folder.ts'
import { hostPort, split } from './host-port.ts'
import { rotateRootCommand, showCommand } from './identity-verbs.ts'

interface Flags { data: string, namespace: string, uid: string, out: string, envoy?: string }

export function identityCommand (context: CliContext, done: (status: number) => void): Command {
  const issue = verb('issue', 'a day\'s certificate for the observer or the proxy of one pod, from the CA of the standalone mode', [
    'autoshield identity issue --namespace shop --uid db-0 --out ./db-0-identity',
    'autoshield identity issue --namespace shop --uid db-0 --out ./db-0-envoy --envoy 10.0.0.1:18000 && envoy -c ./db-0-envoy/envoy.json --drain-time-s 0',
  ]).addOption(dataOption())
    .requiredOption('--namespace <name>', 'the pod\'s namespace')
    .requiredOption('--uid <uid>', 'the pod\'s uid, as in the pod file')
    .requiredOption('--out <dir>', 'folder for cert.pem, key.pem and ca.pem')
    .addOption(new Option('--envoy <host:port>', 'also write envoy.json: the bootstrap of an Envoy that takes its configuration from there').argParser(hostPort))
    .action(async ({ data, namespace, uid, out, envoy }: Flags) => {
      const identity = { trustDomain: TRUST_DOMAIN, namespace, uid }
      if (parseSpiffeId(spiffeId(identity)) === null) throw new AutoshieldError('USAGE', `--namespace ${namespace} --uid ${uid} make no SPIFFE ID; a namespace is a DNS label, a uid has letters, digits, dots, dashes and underscores.`)
      const authority = await openAuthority(authorityFolder(data), TRUST_DOMAIN, systemClock)
      await writeCredentials(out, authority.issueWithKey({ identity }, systemClock.now()))
      if (envoy !== undefined) await writeBootstrap(resolve(out), envoy, namespace, uid)
      context.stdout.write(`${out}: ${spiffeId(identity)}\n`)
      done(EXIT.ok)
    })
  return verb('identity', 'certificates of observers and proxies, and the authority behind them', ['autoshield identity issue --namespace shop --uid db-0 --out ./id', 'autoshield identity show ./id'])
    .addCommand(issue)
    .addCommand(showCommand(context, done))
    .addCommand(rotateRootCommand(context, done))
}

async function writeBootstrap (folder: string, xds: string, namespace: string, uid: string): Promise<void> {
  const { host, port } = split(xds)
  const { certificate, key, authorities } = credentialFiles(folder)
  const files = bootstrapFiles({
    podUid: uid, namespace, xds: { host, port, name: host }, folder, certificateFile: certificate, keyFile: key, authoritiesFile: authorities, adminSocket: join(folder, 'admin.sock'),
  })
  for (const { path, text } of files) await writeFile(path, text, { mode: 0o600 })
}
