import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Authority, createAuthority } from '../../../certs/authority.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'

/** As much of an AdmissionReview's request as the tests look at. */
export interface Recorded {
  readonly path: string
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly operation: string
  readonly resource: { readonly resource: string }
  readonly subResource?: string
  readonly userInfo: { readonly username: string }
  readonly object: KubernetesObject | null
}

/** A webhook that allows everything and remembers what it was asked. */
export class RecordingWebhook implements AsyncDisposable {
  readonly url: string
  /** PEM of the authority that signed its certificate. */
  readonly bundle: string
  #recorded: Recorded[] = []
  readonly #server: Server

  private constructor (server: Server, host: string, bundle: string, take: (record: (recorded: Recorded) => void) => void) {
    this.#server = server
    this.bundle = bundle
    this.url = `https://${host}:${(server.address() as AddressInfo).port}` // it listens on TCP
    take((recorded) => this.#recorded.push(recorded))
  }

  static async start (host: string): Promise<RecordingWebhook> {
    const authority = new Authority(createAuthority('test.local', Date.now()))
    const { certificate, key } = authority.issueWithKey({ identity: { trustDomain: 'test.local', namespace: 'test', uid: 'webhook' }, ip: [host] }, Date.now())
    let record: (recorded: Recorded) => void = () => undefined
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const review = JSON.parse(await text(request)) as { request: Omit<Recorded, 'path'> } // from the API server alone
      record({ ...review.request, path: (request.url ?? '').replace(/\?.*/, '') })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, allowed: true } }))
    }
    const server = createServer({ cert: certificate, key }, (request, response) => { answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined)) })
    server.listen(0, host)
    await once(server, 'listening')
    return new RecordingWebhook(server, host, authority.bundle, (take) => { record = take })
  }

  /** What it was asked since the last call. */
  take (): readonly Recorded[] {
    const taken = this.#recorded
    this.#recorded = []
    return taken
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
