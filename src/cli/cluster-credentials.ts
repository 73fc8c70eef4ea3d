import { FolderCredentials } from '../../certs/credential-folder.ts'
import { systemClock } from '../adapters/standalone/clock.ts'
import type { Identity } from '../core/identity.ts'
import type { CredentialSource } from '../ports.ts'
import type { CliContext } from './context.ts'

export interface ClusterCredentialsOptions {
  /** Has `token` and `ca.pem`. */
  readonly folder: string
  /** `HOST:PORT`. */
  readonly issuer: string
  /** Who the issuer must be. */
  readonly server: Identity
}

export async function clusterCredentials ({ folder }: ClusterCredentialsOptions, context: CliContext): Promise<CredentialSource & { run: (signal: AbortSignal) => Promise<void> }> {
  return await FolderCredentials.open(folder, { clock: systemClock, warn: (problem) => context.stderr.write(`autoshield observer: ${problem}\n`) })
}
