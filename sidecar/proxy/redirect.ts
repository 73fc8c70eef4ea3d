import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { AutoshieldError } from '../../src/core/errors.ts'
import { TABLE } from './redirect-rules.ts'

type Nft = ChildProcessByStdio<Writable, Readable, Readable>

type State =
  | { readonly kind: 'absent' }
  | { readonly kind: 'held', readonly rules: string, readonly nft: Nft }

const ANSWER_MS = 5_000
/** It also complains of what is no fault: that nothing is known of a terminal, which it has none of. */
const FAULT = /^Error: .*\n/m
/** nft's list of the table ends so. */
const LISTED = /^\}$/m

/**
 * The redirect of the pod's network, which holds exactly as long as the nft process that this one keeps: it ends with its standard
 * input, so also when this process is killed.
 */
export class Redirect implements Disposable {
  #state: State = { kind: 'absent' }

  get held (): boolean {
    return this.#state.kind === 'held'
  }

  /** Makes the rules hold, in one step where others did. Throws UNAVAILABLE in nft's own words; none hold then. */
  async hold (rules: string): Promise<void> {
    if (this.#state.kind === 'held' && this.#state.rules === rules) return
    const nft = this.#state.kind === 'held' ? this.#state.nft : this.#start()
    this.#state = { kind: 'held', rules, nft }
    try {
      await load(nft, rules)
    } catch (error) {
      if (this.#isOf(nft)) this.withdraw()
      throw error
    }
  }

  /** Connections reach the pod directly from now on; those that went through the proxy are cut. */
  withdraw (): void {
    if (this.#state.kind === 'held') this.#state.nft.kill('SIGKILL')
    this.#state = { kind: 'absent' }
  }

  [Symbol.dispose] (): void {
    this.withdraw()
  }

  #start (): Nft {
    // nft fills a pipe 4 KiB at a time: its answer would never come.
    const nft = spawn('stdbuf', ['-oL', 'nft', '-i'], { stdio: ['pipe', 'pipe', 'pipe'] })
    nft.stdin.on('error', () => undefined) // told by its end
    nft.on('error', () => undefined) // told by `load`
    nft.on('close', () => { if (this.#isOf(nft)) this.#state = { kind: 'absent' } })
    return nft
  }

  #isOf (nft: Nft): boolean {
    return this.#state.kind === 'held' && this.#state.nft === nft
  }
}

/** Resolves when nft lists the table that it made. */
async function load (nft: Nft, rules: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const fail = (why: string, cause?: unknown): void => reject(new AutoshieldError('UNAVAILABLE', `nothing can be redirected: ${why}; the proxy's container needs nft and NET_ADMIN.`, { cause }))
  let listed = ''
  const onOutput = (part: Buffer): void => {
    listed += part.toString('latin1')
    if (LISTED.test(listed)) resolve(undefined)
  }
  let complained = ''
  const onFault = (part: Buffer): void => {
    complained = `${complained}${part.toString('latin1')}`.slice(-1000)
    if (FAULT.test(complained)) fail(complained.trim().slice(0, 300))
  }
  const onError = (error: Error): void => fail(error.message, error)
  const onClose = (): void => fail('nft has ended')
  const timer = setTimeout(() => fail(`nft has not answered within ${ANSWER_MS} ms${complained === '' ? '' : ` (${complained.trim().slice(0, 300)})`}`), ANSWER_MS)
  nft.stdout.on('data', onOutput)
  nft.stderr.on('data', onFault)
  nft.on('error', onError).on('close', onClose)
  try {
    nft.stdin.write(`${rules}\nlist table ${TABLE}\n`)
    await promise
  } finally {
    clearTimeout(timer)
    nft.stdout.off('data', onOutput)
    nft.stderr.off('data', onFault)
    nft.off('error', onError).off('close', onClose)
  }
}
