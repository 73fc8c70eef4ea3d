import type { Authority } from '../../certs/authority.ts'
import { openAuthority } from '../../certs/authority-folder.ts'
import { writeCredentials } from '../../certs/credential-folder.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { renewAtMs } from '../wire/check-credentials.ts'
import { HeldCredentials } from '../wire/held-credentials.ts'
import { wait } from '../wire/wait.ts'
import { authorityFolder, identityFolder, SYSTEM_IDENTITIES, TRUST_DOMAIN } from './data-folder.ts'

export interface StandaloneIdentitiesOptions {
  readonly data: string
  /** Addresses that observers and proxies dial. */
  readonly ingestHost: string
  readonly xdsHost: string
  readonly clock: Clock
  readonly warn: (problem: string) => void
  /** How often it is asked whether a renewal is due: a minute where nothing is said. */
  readonly everyMs?: number
}

/**
 * The identities of a running `up`: its own, held in memory, and those of the processes that it starts, in folders that they
 * follow. A certificate lives a day and is renewed at two thirds of it.
 */
export class StandaloneIdentities {
  readonly controller = new HeldCredentials('`up` has not issued them')
  readonly xds = new HeldCredentials('`up` has not issued them')
  readonly #options: StandaloneIdentitiesOptions

  constructor (options: StandaloneIdentitiesOptions) {
    this.#options = options
  }

  /** Issues all of them anew. Throws as `openAuthority` and `writeCredentials` do. */
  async issue (): Promise<void> {
    const { data, ingestHost, xdsHost, clock } = this.#options
    const authority = await openAuthority(authorityFolder(data), TRUST_DOMAIN, clock)
    const issue = (name: keyof typeof SYSTEM_IDENTITIES, ip: readonly string[] = []): ReturnType<Authority['issueWithKey']> =>
      authority.issueWithKey({ identity: SYSTEM_IDENTITIES[name], ip, dns: ip.length > 0 ? ['localhost'] : [] }, clock.now())
    await writeCredentials(identityFolder(data, 'detector'), issue('detector', [ingestHost, '127.0.0.1']))
    await writeCredentials(identityFolder(data, 'replay'), issue('replay'))
    this.xds.take(issue('xds', [xdsHost, '127.0.0.1']))
    this.controller.take(issue('controller'))
  }

  /** Renews until the signal aborts. A failure is said, and tried again at the next look. */
  async run (signal: AbortSignal): Promise<void> {
    while (await wait(this.#options.everyMs ?? 60_000, signal)) await this.renewIfDue()
  }

  async renewIfDue (): Promise<void> {
    const { clock, warn } = this.#options
    if (clock.now() < renewAtMs(this.controller.current().certificate, 0)) return
    try {
      await this.issue()
    } catch (error) {
      warn(`the identities could not be renewed: ${AutoshieldError.from(error).message}`)
    }
  }
}
