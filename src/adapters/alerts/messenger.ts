import type { Outcome } from '../../core/errand/advance.ts'
import { outcomeOf } from '../../core/errand/answer.ts'
import { channelOf, type AlertSettings, type SentChannel } from '../../core/errand/alert-settings.ts'
import type { Errand, Task } from '../../core/errand/errand.ts'
import { alertmanagerAlerts } from '../../core/errand/forms/alertmanager.ts'
import { ocsfFinding } from '../../core/errand/forms/ocsf.ts'
import { slackMessage } from '../../core/errand/forms/slack.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Resolve, sendGuarded } from './guarded-request.ts'
import { readSecret } from './secret-file.ts'
import { signatureOf } from './signature.ts'

export interface MessengerOptions {
  readonly settings: () => AlertSettings
  readonly clock: Clock
  readonly version: string
  /** The channel of kind `log`. */
  readonly tell: (errand: Errand, task: AlertTask) => void
  readonly resolve?: Resolve
}

type AlertTask = Extract<Task, { type: 'alert' }>
type WebhookTask = Extract<Task, { type: 'webhook' }>

/** A message, ready but for its time. */
interface Message {
  readonly address: string
  readonly method: 'POST' | 'PUT'
  readonly payload: object
  readonly secretFile: string | null
}

const TIMEOUT_MS = 5_000
/** Addresses, names and sentences of a detection take a few kilobytes. */
const MAX_BODY_BYTES = 256 * 1024

/** Sends alerts to their channels and messages of rules to their addresses, by the rules of THREATS.md. */
export class Messenger {
  readonly #options: MessengerOptions

  constructor (options: MessengerOptions) {
    this.#options = options
  }

  async alert (errand: Errand, task: AlertTask, signal: AbortSignal): Promise<Outcome> {
    const channel = channelOf(this.#options.settings(), task.channel)
    if (channel === null) return { result: 'refused', reason: 'UnknownChannel', message: `No channel is called ${JSON.stringify(task.channel)}: add it to the alert settings, or correct the rule. The console shows the alert.` }
    if (channel.kind === 'log') {
      this.#options.tell(errand, task)
      return { result: 'done', reason: 'Delivered', message: 'The log has it.' }
    }
    return this.#attempt(async () => this.#send(errand, { ...this.#formed(channel, errand, task), address: await addressOf(channel), method: 'POST' }, signal))
  }

  async webhook (errand: Errand, { url, method, notice }: WebhookTask, signal: AbortSignal): Promise<Outcome> {
    const { webhooks } = this.#options.settings()
    if (webhooks === undefined) return { result: 'refused', reason: 'NotConfigured', message: 'Nothing signs messages of rules: name webhooks.secretFile in the alert settings.' }
    return this.#attempt(async () => this.#send(errand, { address: url, method, payload: notice, secretFile: webhooks.secretFile }, signal))
  }

  #formed (channel: SentChannel, { id }: Errand, { notice }: AlertTask): Pick<Message, 'payload' | 'secretFile'> {
    switch (channel.kind) {
      case 'slack': return { payload: slackMessage(notice), secretFile: null }
      case 'alertmanager': return { payload: alertmanagerAlerts(notice), secretFile: null }
      case 'webhook': return { payload: channel.form === 'ocsf' ? ocsfFinding(notice, id, this.#options.version) : notice, secretFile: channel.secretFile ?? null }
    }
  }

  async #send ({ id }: Errand, { address, method, payload, secretFile }: Message, signal: AbortSignal): Promise<Outcome> {
    const { settings, clock, resolve } = this.#options
    const url = URL.parse(address)
    if (url === null || !/^https?:$/.test(url.protocol)) return { result: 'refused', reason: 'ReceiverRefused', message: 'The address of the receiver is none of http or https: correct it.' }
    const body = JSON.stringify(payload)
    if (Buffer.byteLength(body) > MAX_BODY_BYTES) return { result: 'refused', reason: 'ReceiverRefused', message: `The message is longer than ${MAX_BODY_BYTES} bytes and is not sent.` }
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': id,
      ...(secretFile !== null && { 'x-autoshield-signature': signatureOf(body, await readSecret(secretFile), clock.now()) }),
    }
    const sent = await sendGuarded({ url, method, headers, body }, { allowed: settings(), timeoutMs: TIMEOUT_MS, ...(resolve !== undefined && { resolve }) }, signal)
    switch (sent.result) {
      case 'answered': return outcomeOf(url.host, sent.answer, clock.now())
      case 'forbidden': return { result: 'refused', reason: 'ForbiddenAddress', message: `Nothing was sent: ${sent.message}.` }
      case 'away': return { result: 'again', reason: 'ReceiverAway', message: `${sent.message}.` }
    }
  }

  /** A secret that is not there may be mounted in a moment. */
  async #attempt (send: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await send()
    } catch (error) {
      return { result: 'again', reason: 'NotConfigured', message: AutoshieldError.from(error).message }
    }
  }
}

/** Alertmanager is named by its base. */
async function addressOf ({ kind, url, urlFile }: SentChannel): Promise<string> {
  const address = url ?? await readSecret(urlFile ?? '')
  return kind === 'alertmanager' ? `${address.replace(/\/+$/, '')}/api/v2/alerts` : address
}
