import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { credentialFiles, writeCredentials } from '../../certs/credential-folder.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { bootstrapFile, bootstrapFiles, envoyArguments, type ConfigurationFile } from '../../xds/bootstrap.ts'
import { findTool } from '../setup/tools.ts'
import { adminPage, adminStat } from './envoy-admin.ts'

export const envoyTool = findTool('envoy')

/** Asks until the answer is not undefined; fails after `deadlineMs` in the words of `what`, which may tell what was found then. */
export async function until<T> (what: string | (() => string | Promise<string>), ask: () => Promise<T | undefined> | T | undefined, deadlineMs = 20_000): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : await what()}`)
    await setTimeout(10)
  }
}

export interface EnvoyOptions {
  readonly podUid: string
  /** Where the xDS server is, and the name or address in its certificate. */
  readonly xds: { readonly host: string, readonly port: number, readonly name: string }
  readonly credentials: Credentials
  readonly protocol?: 'delta' | 'sotw'
  /** A process whose network namespace Envoy is to live in; its files are this machine's. */
  readonly networkOf?: number
}

/** The xDS server of a test on this machine's loopback. */
export const onLoopback = (port: number): EnvoyOptions['xds'] => ({ host: '127.0.0.1', port, name: 'xds.test' })

export const adminSocketOf = (folder: string): string => join(folder, 'admin.sock')

/** An Envoy process on a bootstrap of ours, which dies with the test that started it; its stderr is kept for failures. */
export class RealEnvoy implements AsyncDisposable {
  readonly #folder: string
  readonly #process: ChildProcess
  #stderr = ''

  private constructor (folder: string, process: ChildProcess) {
    this.#folder = folder
    this.#process = process
    process.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr = (this.#stderr + text).slice(-20_000) })
  }

  /** Resolves when the admin interface answers, which is before any configuration came. */
  static start ({ podUid, xds, credentials, protocol = 'delta', networkOf }: EnvoyOptions): Promise<RealEnvoy> {
    return RealEnvoy.startOn(async (folder) => {
      const { certificate: certificateFile, key: keyFile, authorities: authoritiesFile } = credentialFiles(folder)
      await writeCredentials(folder, credentials)
      return bootstrapFiles({ podUid, namespace: 'test', xds, folder, certificateFile, keyFile, authoritiesFile, adminSocket: adminSocketOf(folder), protocol })
    }, networkOf)
  }

  /** On other files of ours: the bootstrap lies at `bootstrapFile(folder)`, its admin interface at `adminSocketOf(folder)`. */
  static async startOn (filesIn: (folder: string) => Promise<readonly ConfigurationFile[]>, networkOf?: number): Promise<RealEnvoy> {
    if (envoyTool.path === undefined) throw new Error(envoyTool.missing)
    const folder = await mkdtemp(join(tmpdir(), 'autoshield-envoy-'))
    for (const { path, text } of await filesIn(folder)) await writeFile(path, text)
    const envoy = new RealEnvoy(folder, spawn('setpriv', ['--pdeathsig', 'KILL', ...networkOf === undefined ? [] : ['nsenter', `--net=/proc/${networkOf}/ns/net`], envoyTool.path, ...envoyArguments(bootstrapFile(folder))], { stdio: ['ignore', 'ignore', 'pipe'] }))
    await until('Envoy\'s admin interface answers', () => envoy.admin('/ready').then((text) => text, () => undefined))
    return envoy
  }

  /** Every program that was started on the way has become Envoy. */
  get pid (): number {
    return this.#process.pid ?? -1
  }

  get stderr (): string {
    return this.#stderr
  }

  get adminSocket (): string {
    return adminSocketOf(this.#folder)
  }

  /** Puts another certificate into its folder, as whoever renews it does. */
  async renew (credentials: Credentials): Promise<void> {
    await writeCredentials(this.#folder, credentials)
  }

  /** Body of a GET on the admin interface. */
  admin (path: string): Promise<string> {
    return adminPage(this.adminSocket, path)
  }

  /** A counter or gauge, 0 where it does not exist. */
  stat (name: string): Promise<number> {
    return adminStat(this.adminSocket, name)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await gone
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}
