import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { RenewedCredentials, type RenewalEvent } from '../adapters/identity/renewed-credentials.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import { AutoshieldError } from '../core/errors.ts'
import { IDENTITY_MOUNT } from '../core/injection/names.ts'
import { systemIdentities, TRUST_DOMAIN } from './data-folder.ts'
import { hostPort } from './host-port.ts'

export interface IssuedIdentityFlags {
  issuer?: string
  credentials: string
  namespace: string
  trustDomain: string
}

/** Adds the flags of a process that gets its identity from the controller. */
export function issuedIdentityOptions (command: Command): Command {
  return command
    .addOption(new Option('--issuer <host:port>', 'the controller, which issues the identity').argParser(hostPort))
    .option('--credentials <dir>', 'folder of token and ca.pem', IDENTITY_MOUNT)
    .option('--namespace <name>', 'AutoShield\'s own namespace', 'autoshield')
    .option('--trust-domain <name>', 'SPIFFE trust domain', TRUST_DOMAIN)
}

/** The identity that the pod's token stands for, from the controller; the caller runs it. Throws USAGE, in the words of `missing`, where no issuer is named. */
export function issuedIdentity ({ issuer, credentials: folder, trustDomain, namespace }: IssuedIdentityFlags, missing: string, onEvent: (event: RenewalEvent) => void): RenewedCredentials {
  if (issuer === undefined) throw new AutoshieldError('USAGE', missing)
  return new RenewedCredentials({
    endpoint: issuer,
    server: systemIdentities({ trustDomain, namespace }).controller,
    tokenFile: join(folder, 'token'),
    authoritiesFile: join(folder, 'ca.pem'),
    clock: systemClock,
    random: Math.random,
    onEvent,
  })
}
