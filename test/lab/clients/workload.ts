// The benign load of one pod, in one process: `node workload.ts '[{"kind": "http", ...}, ...]'`. Runs until it is told to end.
import { http, scrape, stream } from './http-jobs.ts'
import type { HttpJob, ScrapeJob, StreamJob } from './http-jobs.ts'
import { idle, probe, redis, rpc, storm } from './tcp-jobs.ts'
import type { IdleJob, ProbeJob, RedisJob, RpcJob, StormJob } from './tcp-jobs.ts'
import { bursts, datagrams, names } from './udp-jobs.ts'
import type { BurstJob, DatagramJob, NamesJob } from './udp-jobs.ts'

export type Job = HttpJob | ScrapeJob | StreamJob | RpcJob | ProbeJob | StormJob | IdleJob | RedisJob | DatagramJob | BurstJob | NamesJob

async function perform (job: Job, signal: AbortSignal): Promise<void> {
  switch (job.kind) {
    case 'http': { await http(job, signal); return }
    case 'scrape': { await scrape(job, signal); return }
    case 'stream': { await stream(job, signal); return }
    case 'rpc': { await rpc(job, signal); return }
    case 'probe': { await probe(job, signal); return }
    case 'storm': { await storm(job, signal); return }
    case 'idle': { await idle(job, signal); return }
    case 'redis': { await redis(job, signal); return }
    case 'datagrams': { await datagrams(job, signal); return }
    case 'bursts': { await bursts(job, signal); return }
    case 'names': { await names(job, signal) }
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
