import { type Command, Option } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { Pod } from '../console/api/views.ts'
import { cutBy, holdOut } from '../core/history/hold-out.ts'
import type { FlowRecord } from '../core/history/flow-record.ts'
import { recommend } from '../core/history/recommend.ts'
import { recommendationYaml, type Support } from '../core/history/recommendation-yaml.ts'
import { suspicionOf } from '../core/history/suspicion.ts'
import { allPages } from './api-pages.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { recordedDetections } from './recorded-detections.ts'
import { readRecorded, recordedOptions, type RecordedFlags } from './recorded-flows.ts'

interface Flags extends RecordedFlags { readonly namespace: string }

const HOUR_MS = 3_600_000
/** Recorded time lies in buckets of so long: none is cut in two. */
const BUCKET_MS = 5 * 60_000

export function policyRecommendCommand (context: CliContext, done: (status: number) => void): Command {
  const command = verb('recommend', 'least-privilege NetworkPolicies for a namespace from what was seen, as YAML with what supports them, for a person to read and apply', [
    'autoshield policy recommend --namespace shop --since 24h > shop.yaml',
    'autoshield policy recommend --namespace shop --api http://127.0.0.1:8000',
  ]).addOption(new Option('--namespace <name>', 'for which namespace').makeOptionMandatory())
  return recordedOptions(command).action(async ({ namespace, ...flags }: Flags) => {
    const { records, page: { watched } } = await readRecorded(flags, { namespace })
    if (records.length === 0) throw new AutoshieldError('NOT_FOUND', `nothing was seen of namespace ${namespace} in that time: are its pods observed (\`autoshield coverage\`)? \`autoshield flows\` lists what there is.`)
    const isSuspicious = suspicionOf(await recordedDetections(flags))
    const recommendation = recommend(records, namespace, isSuspicious)
    const [cut] = cutBy(recommendation, recommendation.supporting)
    if (cut !== undefined) throw new AutoshieldError('INTERNAL', `the policies would cut ${cut.source} -> ${cut.destination} ${cut.protocol} ${cut.port}, which they were made of`)
    const [sinceMs, nowMs] = [Math.min(...records.map(({ firstMs }) => firstMs)), Math.max(...records.map(({ lastMs }) => lastMs))]
    context.stdout.write(recommendationYaml(recommendation, { sinceMs, nowMs, watched, heldOut: await heldOut(flags, namespace, isSuspicious, sinceMs, nowMs), unseen: await unseenPods(flags, namespace, records) }))
    done(EXIT.ok)
  })
}

/** Pods of the namespace that run now and did not show; null of a data folder, which knows of none that did not. */
async function unseenPods ({ api }: RecordedFlags, namespace: string, records: readonly FlowRecord[]): Promise<Support['unseen']> {
  if (api === undefined) return null
  const seen = new Set(records.flatMap(({ source, destination }) => [source.pod?.uid, destination.pod?.uid]))
  const pods = await allPages(api, `/pods?namespace=${encodeURIComponent(namespace)}`, Pod)
  return pods.filter(({ uid }) => !seen.has(uid)).map(({ name, observed }) => observed === false ? `${name} (no observer)` : name)
}

/** The newest hour against the hours before, or the newest quarter where there is less than four hours. */
async function heldOut (flags: RecordedFlags, namespace: string, isSuspicious: ReturnType<typeof suspicionOf>, sinceMs: number, nowMs: number): Promise<Support['heldOut']> {
  const border = Math.ceil((nowMs - Math.min(HOUR_MS, (nowMs - sinceMs) / 4)) / BUCKET_MS) * BUCKET_MS
  if (border <= sinceMs || border >= nowMs) return null
  const [first, then] = [await readRecorded(flags, { namespace, until: border }), await readRecorded({ ...flags, since: border }, { namespace })]
  if (first.records.length === 0 || then.records.length === 0) return null
  return { ms: nowMs - border, ...holdOut(first.records, then.records, namespace, isSuspicious) }
}
