// The benign load of one pod, in one process: `node workload.ts SEED '[{"kind": "http", ...}, ...]'`. Runs until it is told to end.
import { randomFrom } from '../random.ts'
import { connects } from './connect-jobs.ts'
import type { ConnectsJob } from './connect-jobs.ts'
import { http, scrape, stream } from './http-jobs.ts'
import type { HttpJob, ScrapeJob, StreamJob } from './http-jobs.ts'
import type { Pace } from './pace.ts'
import { idle, probe, redis, rpc, storm } from './tcp-jobs.ts'
import type { IdleJob, ProbeJob, RedisJob, RpcJob, StormJob } from './tcp-jobs.ts'
import { bursts, datagrams, names } from './udp-jobs.ts'
import type { BurstJob, DatagramJob, NamesJob } from './udp-jobs.ts'

export type Job = HttpJob | ScrapeJob | StreamJob | RpcJob | ConnectsJob | ProbeJob | StormJob | IdleJob | RedisJob | DatagramJob | BurstJob | NamesJob

function perform (job: Job, pace: Pace): Promise<void> {
  switch (job.kind) {
    case 'http': return http(job, pace)
    case 'scrape': return scrape(job, pace)
    case 'stream': return stream(job, pace)
    case 'rpc': return rpc(job, pace)
    case 'connects': return connects(job, pace)
    case 'probe': return probe(job, pace)
    case 'storm': return storm(job, pace)
    case 'idle': return idle(job, pace)
    case 'redis': return redis(job, pace)
    case 'datagrams': return datagrams(job, pace)
    case 'bursts': return bursts(job, pace)
    case 'names': return names(job, pace)
  }
}

async function main (seed: string, jobs: Job[]): Promise<void> {
  const ended = new AbortController()
  process.once('SIGTERM', () => { ended.abort() })
  const results = await Promise.allSettled(jobs.map((job, index) => {
    const random = randomFrom(`${seed}/${index}`)
    return perform(job, { signal: ended.signal, random: () => random.float() })
  }))
  results.forEach((result, index) => { if (result.status === 'rejected') console.error(`${jobs[index]?.kind}: ${String(result.reason)}`) })
  process.exit(0) // sockets of abandoned requests would hold it
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? '', JSON.parse(process.argv[3] ?? '[]') as Job[])
