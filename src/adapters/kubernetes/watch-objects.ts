import type { IncomingMessage } from 'node:http'
import { backoffMs, type Backoff } from '../../core/backoff.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { pathOf } from '../../core/kubernetes/path.ts'
import { isRecord, readObject } from '../../core/kubernetes/read-object.ts'
import type { Resource } from '../../core/kubernetes/resource.ts'
import type { Scope, WatchEvent } from '../../ports/kubernetes.ts'
import { wait } from '../../wire/wait.ts'
import { fromAnswer, fromTransport } from './foreign-error.ts'
import { askedOf, listObjects, parseJson, selectorsOf } from './list-objects.ts'
import type { Transport } from './transport.ts'

export interface WatchOptions {
  readonly backoff: Backoff
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** A stream that brings nothing for so long, not even a bookmark, is taken for dead. */
  readonly silenceMs: number
  /** Told why a watch was interrupted, before it goes on. */
  readonly onTrouble: (error: AutoshieldError) => void
}

export interface Watched<T> {
  readonly resource: Resource
  readonly scope: Scope
  readonly read: (object: KubernetesObject) => T
}

/** How long the API server keeps one stream open: shorter than what idles out on the way there. */
const STREAM_SECONDS = 290
const MAX_LINE_CHARS = 16 * 1024 * 1024

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/**
 * Lists, then follows from the list's version; a stream that ends is opened again where it ended, and one that the API
 * server has forgotten (410 Gone: compacted, or too far behind) begins anew with a list. Ends only by the signal.
 */
export async function * watchObjects<T> (transport: Transport, watched: Watched<T>, signal: AbortSignal, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, undefined> {
  /** Where to go on; null: nowhere, so list. */
  let from: string | null = null
  for (let attempt = 0; isLive(signal); attempt++) {
    try {
      if (from === null) {
        const { objects, resourceVersion } = await listObjects(transport, watched.resource, watched.scope, watched.read)
        if (!isLive(signal)) return
        from = resourceVersion
        yield { type: 'synced', objects, resourceVersion }
      }
      for await (const news of follow(transport, watched, from, signal, options.silenceMs)) {
        attempt = 0
        from = news.type === 'forgotten' ? null : news.resourceVersion
        if (news.type === 'event') yield news.event
      }
    } catch (error) {
      if (isLive(signal)) options.onTrouble(AutoshieldError.from(error))
    }
    await wait(backoffMs(attempt, options.random(), options.backoff), signal)
  }
}

type News<T> =
  | { readonly type: 'event', readonly resourceVersion: string, readonly event: WatchEvent<T> }
  | { readonly type: 'bookmark', readonly resourceVersion: string }
  | { readonly type: 'forgotten' }

/** One stream, to its end: returns where the API server closed it, throws where it broke off or was refused. */
async function * follow<T> (transport: Transport, watched: Watched<T>, from: string, signal: AbortSignal, silenceMs: number): AsyncGenerator<News<T>, void, undefined> {
  const { resource, scope } = watched
  const stop = new AbortController()
  const watchdog = setTimeout(() => {
    stop.abort(new AutoshieldError('UNAVAILABLE', `${transport.server} fell silent while ${resource.plural} were watched: is the way to it open?`))
  }, silenceMs)
  const abort = () => {
    clearTimeout(watchdog) // also where nobody asks for the next event, and the end below is never reached
    stop.abort()
  }
  signal.addEventListener('abort', abort, { once: true })
  let response: IncomingMessage | undefined
  try {
    response = await transport.open({
      method: 'GET',
      path: pathOf(resource, scope),
      query: { ...selectorsOf(scope), watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from, timeoutSeconds: String(STREAM_SECONDS) },
    }, stop.signal)
    if (response.statusCode === 410) return yield { type: 'forgotten' }
    if (response.statusCode !== 200) {
      const text = await linesOf(response).next()
      throw fromAnswer({ status: response.statusCode ?? 0, text: text.done === true ? '' : text.value }, askedOf('watch', resource, scope), transport.server)
    }
    for await (const line of linesOf(response)) {
      watchdog.refresh()
      const news = readNews(line, watched, transport.server)
      yield news
      if (news.type === 'forgotten') return
    }
  } catch (error) {
    throw fromTransport(stop.signal.aborted ? stop.signal.reason : error, transport.server)
  } finally {
    clearTimeout(watchdog)
    signal.removeEventListener('abort', abort)
    response?.destroy()
  }
}

function readNews<T> (line: string, { resource, read, scope }: Watched<T>, server: string): News<T> {
  const message = parseJson(line, resource)
  const type = isRecord(message) ? message['type'] : undefined
  const value = isRecord(message) ? message['object'] : undefined
  if (type === 'ERROR') {
    const status = isRecord(value) && typeof value['code'] === 'number' ? value['code'] : 500
    if (status === 410) return { type: 'forgotten' }
    throw fromAnswer({ status, text: JSON.stringify(value) }, askedOf('watch', resource, scope), server)
  }
  const object = readObject(value, resource)
  const resourceVersion = object.metadata.resourceVersion ?? ''
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'event', resourceVersion, event: { type: 'put', object: read(object) } }
    case 'DELETED':
      return { type: 'event', resourceVersion, event: { type: 'gone', object: read(object) } }
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion }
    default:
      throw new AutoshieldError('BAD_DATA', `${server} sent a watch event of the unknown type ${JSON.stringify(type)}.`)
  }
}

/** The lines of a stream; throws where one is longer than any object of a cluster can be. */
async function * linesOf (response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  response.setEncoding('utf8')
  let rest = ''
  for await (const chunk of response as AsyncIterable<string>) {
    const pieces = chunk.split('\n')
    const last = pieces.pop() ?? ''
    for (const piece of pieces) {
      const line = rest + piece
      rest = ''
      if (line !== '') yield line
    }
    rest += last
    if (rest.length > MAX_LINE_CHARS) throw new AutoshieldError('BAD_DATA', `a watch event of more than ${MAX_LINE_CHARS} characters`)
  }
  if (rest !== '') yield rest
}
