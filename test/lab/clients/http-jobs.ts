import { Agent, request } from 'node:http'
import { connect } from 'node:http2'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { arrivals, pause } from './pace.ts'
import type { Pace } from './pace.ts'

export interface HttpJob { kind: 'http', urls: string[], rate: number, keepAlive: boolean, bodyBytes?: number, timeoutMs?: number }
export interface ScrapeJob { kind: 'scrape', urls: string[], intervalMs: number, burst: boolean, keepAlive: boolean }
export interface StreamJob { kind: 'stream', authority: string, streams: number, rate: number, requestBytes: number, responseBytes: number }

/** Certificates of the laboratory are nobody's: none is checked. */
function agentFor (url: string, options: { keepAlive: boolean, maxSockets: number }): Agent {
  return url.startsWith('https:') ? new TlsAgent({ ...options, rejectUnauthorized: false }) : new Agent(options)
}

function fetchOnce (url: string, agent: Agent, options: { bodyBytes?: number | undefined, timeoutMs?: number | undefined }): Promise<void> {
  const { bodyBytes = 0, timeoutMs = 5000 } = options
  return new Promise((resolve, reject) => {
    const outgoing = (url.startsWith('https:') ? tlsRequest : request)(url, { agent, method: bodyBytes > 0 ? 'POST' : 'GET', timeout: timeoutMs }, (response) => {
      response.resume().on('end', resolve).on('error', reject)
    })
    outgoing.on('timeout', () => { outgoing.destroy(new Error('timeout')) }).on('error', reject)
    outgoing.end(bodyBytes > 0 ? Buffer.alloc(bodyBytes) : undefined)
  })
}

export async function http (job: HttpJob, pace: Pace): Promise<void> {
  const agent = agentFor(job.urls[0] ?? '', { keepAlive: job.keepAlive, maxSockets: 64 })
  let next = 0
  await arrivals(job.rate, pace, () => fetchOnce(job.urls[next++ % job.urls.length] ?? '', agent, job))
  agent.destroy()
}

/** As Prometheus does it: every target once per interval, all at once or spread over it. */
export async function scrape (job: ScrapeJob, pace: Pace): Promise<void> {
  const agent = new Agent({ keepAlive: job.keepAlive, maxSockets: 1 })
  await Promise.all(job.urls.map(async (url, index) => {
    if (!await pause(job.burst ? 0 : job.intervalMs * index / job.urls.length, pace.signal)) return
    do { await fetchOnce(url, agent, {}).catch(() => undefined) } while (await pause(job.intervalMs, pace.signal))
  }))
  agent.destroy()
}

/** Long streams of small messages both ways over one HTTP/2 connection, as gRPC services have them. */
export async function stream (job: StreamJob, pace: Pace): Promise<void> {
  const session = connect(job.authority)
  session.on('error', () => undefined) // the server went away: the load is over
  const streams = Array.from({ length: job.streams }, () => {
    const opened = session.request({ ':method': 'POST', ':path': `/${job.responseBytes}` })
    return opened.on('error', () => undefined).resume()
  })
  let next = 0
  await arrivals(job.rate, pace, async () => { streams[next++ % streams.length]?.write(Buffer.alloc(job.requestBytes)) })
  session.destroy()
}
