// The benign load of one pod, in one process: `node workload.ts '[{"kind": "http", ...}, ...]'`. Runs until it is told to end.
import { http, scrape, stream } from './http-jobs.ts'
import type { HttpJob, ScrapeJob, StreamJob } from './http-jobs.ts'
import { idle, probe, redis, rpc, storm } from './tcp-jobs.ts'
import type { IdleJob, ProbeJob, RedisJob, RpcJob, StormJob } from './tcp-jobs.ts'
import { bursts, datagrams, names } from './udp-jobs.ts'
import type { BurstJob, DatagramJob, NamesJob } from './udp-jobs.ts'

export type Job = HttpJob | ScrapeJob | StreamJob | RpcJob | ProbeJob | StormJob | IdleJob | RedisJob | DatagramJob | BurstJob | NamesJob

function perform (job: Job, signal: AbortSignal): Promise<void> {
  switch (job.kind) {
    case 'http': return http(job, signal)
    case 'scrape': return scrape(job, signal)
    case 'stream': return stream(job, signal)
    case 'rpc': return rpc(job, signal)
    case 'probe': return probe(job, signal)
    case 'storm': return storm(job, signal)
    case 'idle': return idle(job, signal)
    case 'redis': return redis(job, signal)
    case 'datagrams': return datagrams(job, signal)
    case 'bursts': return bursts(job, signal)
    case 'names': return names(job, signal)
  }
}

async function main (jobs: Job[]): Promise<void> {
  const ended = new AbortController()
  process.once('SIGTERM', () => { ended.abort() })
  const results = await Promise.allSettled(jobs.map((job) => perform(job, ended.signal)))
  results.forEach((result, index) => { if (result.status === 'rejected') console.error(`${jobs[index]?.kind}: ${String(result.reason)}`) })
  process.exit(0) // sockets of abandoned requests would hold it
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '[]') as Job[])
