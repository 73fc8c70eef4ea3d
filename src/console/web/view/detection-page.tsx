import { useEffect, useState } from 'preact/hooks'
import type { Detection } from '../../../core/verdict/detection.ts'
import { auditHref, detectionHref } from '../model/route.ts'
import { deed } from '../model/sentence.ts'
import { trailOf } from '../model/trail.ts'
import { apart, classWords, endpointName, evidenceSentence, featureWords, fullName, percent } from '../model/words.ts'
import { decisionsOf, mitigationsOf, type Wall } from '../model/wall.ts'
import { AddException } from './add-exception.tsx'
import { Copy } from './copy.tsx'
import { Decisions } from './decisions.tsx'
import { HeatMap } from './heat-map.tsx'
import { MarkDetection } from './mark-detection.tsx'
import { Simulated } from './mark.tsx'
import { MitigationCard } from './mitigation-card.tsx'
import { Time } from './time.tsx'
import { Trail } from './trail.tsx'

interface Props { id: string, wall: Wall, now: number, fetchDetection: (id: string) => Promise<boolean> }

export function DetectionPage ({ id, wall, now, fetchDetection }: Props) {
  const detection = wall.detections.get(id)
  const [missing, setMissing] = useState(false)
  const absent = detection === undefined
  useEffect(() => {
    if (wall.loaded && absent) fetchDetection(id).then((found) => setMissing(!found))
  }, [wall.loaded, absent])
  if (detection === undefined) {
    return missing
      ? <section class="empty-page"><h2>No such detection</h2><p>It may be older than what is kept. <a href={auditHref(id)}>Look for it in the audit trail</a>, or go <a href="#/">back to the wall</a>.</p></section>
      : <p class="empty">Looking for it …</p>
  }
  const decisions = decisionsOf(wall, id)
  const mitigations = mitigationsOf(wall, id)
  const waits = decisions.some(({ approval }) => approval?.state === 'waiting')
  return (
    <article class="detection">
      <Head detection={detection} />
      <section aria-labelledby="trail-title">
        <h3 id="trail-title">Trail</h3>
        <Trail stations={trailOf(detection, decisions, mitigations)} />
      </section>
      <div class="columns">
        <div>
          <Strange detection={detection} />
          <Why detection={detection} />
          <Witnesses detection={detection} />
          <Admission detection={detection} />
        </div>
        <div class="acts">
          {waits && <Decisions decisions={decisions} wall={wall} now={now} />}
          {mitigations.map((mitigation) => <MitigationCard key={mitigation.metadata.name} mitigation={mitigation} decisions={decisions} now={now} />)}
          {!waits && <Decisions decisions={decisions} wall={wall} now={now} />}
          <LetItBe detection={detection} wall={wall} now={now} />
          <Story detection={detection} wall={wall} />
        </div>
      </div>
      <Raw detection={detection} />
    </article>
  )
}

function Head ({ detection }: { detection: Detection }) {
  const { technique, simulated, phase, confidence, firstSeen, lastSeen, delaySeconds, count, model } = detection
  return (
    <header class="head">
      <p class="crumb"><a href="#/">Wall</a> / detection <code>{detection.id}</code></p>
      <h2>{classWords(detection.class).title}: {deed(detection)} {simulated && <Simulated />}</h2>
      <p class="told">{detection.explanation.sentence}</p>
      <dl class="facts">
        <div><dt>Phase</dt><dd class={`phase ${phase}`}>{phase}</dd></div>
        <div><dt>Confidence</dt><dd>{confidence.toFixed(3)}</dd></div>
        <div><dt>First seen</dt><dd><Time at={firstSeen} /></dd></div>
        <div><dt>Last seen</dt><dd><Time at={lastSeen} /></dd></div>
        <div><dt>Found after</dt><dd>{delaySeconds === null ? 'not opened' : `${delaySeconds.toFixed(1)} s`}</dd></div>
        <div><dt>Windows</dt><dd>{count}</dd></div>
        <div><dt>ATT&amp;CK</dt><dd>{technique === null ? 'none' : <Technique {...technique} />}</dd></div>
        <div><dt>Model</dt><dd>{model}</dd></div>
      </dl>
    </header>
  )
}

/** The address comes with the detection, so it is a link only where it leads to ATT&CK. */
function Technique ({ id, name, url }: { id: string, name: string, url: string }) {
  return url.startsWith('https://attack.mitre.org/') ? <a href={url} rel="noreferrer noopener" target="_blank">{id} {name}</a> : <>{id} {name}</>
}

function Why ({ detection }: { detection: Detection }) {
  const { evidence, stepMs } = detection.explanation
  return (
    <section aria-labelledby="why-title">
      <h3 id="why-title">Why</h3>
      {evidence.length === 0 && <p class="empty">The detector has not said yet which features made the score.</p>}
      <ol class="evidence">
        {evidence.slice(0, 3).map((item) => {
          const { fact, usual, effect } = evidenceSentence(item, stepMs)
          return (
            <li key={item.feature}>
              <b>{fact}</b><span>{usual}; {effect}</span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="4" /><rect class="part" width={Math.min(100, Math.max(0, item.contribution * 100))} height="4" /></svg>
            </li>
          )
        })}
      </ol>
      <Quieter detection={detection} />
      <Named detection={detection} />
      <HeatMap detection={detection} />
    </section>
  )
}

function Named ({ detection: { explanation: { named = [], model = 0 } } }: { detection: Detection }) {
  if (named.length === 0) return null
  return (
    <>
      <h4>Evidence beside the model</h4>
      <p>In its strongest moment the model adds {signed(model)} to the log-odds; these add, each when it spoke most for it:</p>
      <ul>{named.map(({ kind, nats, sentence }) => <li key={kind + sentence}><b>{signed(nats)}</b> {sentence} ({kind})</li>)}</ul>
    </>
  )
}

const signed = (nats: number): string => `${nats > 0 ? '+' : ''}${nats.toFixed(2)}`

/** What the model said of the same traffic with less of it, and of what in training it is most like. */
function Quieter ({ detection: { explanation: { counterfactual = null, nearest = null } } }: { detection: Detection }) {
  const changes = counterfactual?.changes.map(({ feature, seen, needed }) => {
    const words = featureWords(feature)
    return `${words.title} at ${words.format(needed)} instead of ${words.format(seen)}`
  })
  return (
    <>
      {counterfactual !== null && <p class="quieter">What would have kept it quiet: with {changes?.join(' and ')} over these windows, the score would have been {counterfactual.probability.toFixed(2)}, below {counterfactual.limit.toFixed(2)}.</p>}
      {nearest !== null && <p class="quieter">Most like it in training: {nearest.class} by {nearest.tool} (run {nearest.run}){nearest.distance > nearest.usualDistance && ', and not near'}.</p>}
    </>
  )
}

const AGREES = (agrees: boolean | null): string => agrees === null ? 'not asked, or did not see these windows' : agrees ? 'agrees' : 'disagrees'

function Witnesses ({ detection }: { detection: Detection }) {
  return (
    <section aria-labelledby="witnesses-title">
      <h3 id="witnesses-title">Witnesses</h3>
      {detection.witnesses.length === 0 && <p class="empty">None is named.</p>}
      <ul class="witnesses">
        {detection.witnesses.map(({ reporter, quality, agrees }) => (
          <li key={reporter} class={agrees === false ? 'against' : ''}>
            <code>{reporter}</code>
            <span>{AGREES(agrees)}{quality === 0 ? '' : ', some values estimated'}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Where the model does not know such traffic. */
function Strange ({ detection: { unfamiliar } }: { detection: Detection }) {
  if (unfamiliar === undefined) return null
  const { namespace, unknown, limit } = unfamiliar
  return <p class="problem">The traffic of {namespace} is unlike what the model was trained on ({percent(unknown)} of it have what training hardly had, {percent(limit)} is the limit), so a person looks before anything is restricted. <a href="#/health">How it differs</a></p>
}

/** What was done to the two pods before the traffic spoke. */
function Admission ({ detection }: { detection: Detection }) {
  const remarks = detection.admission ?? []
  if (remarks.length === 0) return null
  const first = Date.parse(detection.firstSeen)
  return (
    <section aria-labelledby="admission-title">
      <h3 id="admission-title">What happened to these pods at admission</h3>
      <ol class="witnesses">
        {remarks.map(({ at, actor, text, severity, end }, index) => (
          <li key={index} class={severity === 'high' || severity === 'critical' ? 'against' : ''}>
            <span>{severity}, {end}: {apart(first - Date.parse(at))} by {actor === '' ? 'somebody unknown' : actor}, <Time at={at} /></span>
            {text}
          </li>
        ))}
      </ol>
    </section>
  )
}

const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 63)

/** A false alarm, or something that is meant: an exception for what is like it. */
function LetItBe ({ detection, wall, now }: { detection: Detection, wall: Wall, now: number }) {
  const { source, target } = detection
  const name = slug(`${source === null ? '' : endpointName(source)}-${classWords(detection.class).title}`)
  const start = { name, classes: [detection.class], ...(source !== null && { source: fullName(source) }), ...(target !== null && { target: fullName(target) }) }
  return (
    <section aria-labelledby="let-be-title">
      <h3 id="let-be-title">Was it right, or meant to be?</h3>
      <MarkDetection detection={detection} wall={wall} now={now} />
      <p class="buttons"><AddException wall={wall} now={now} start={start} label="Let it be for a while" /></p>
    </section>
  )
}

/** The other detections on the same source: one story. */
function Story ({ detection, wall }: { detection: Detection, wall: Wall }) {
  const others = [...wall.detections.values()].filter(({ chain, id }) => chain === detection.chain && id !== detection.id)
  if (others.length === 0) return null
  return (
    <section aria-labelledby="story-title">
      <h3 id="story-title">The same source</h3>
      <ol class="story">
        {others.map((other) => <li key={other.id}><Time at={other.firstSeen} /> <a href={detectionHref(other.id)}>{deed(other)}</a> {other.simulated && <Simulated />}</li>)}
      </ol>
    </section>
  )
}

function Raw ({ detection }: { detection: Detection }) {
  const json = JSON.stringify(detection, null, 2)
  return (
    <section aria-labelledby="raw-title">
      <h3 id="raw-title">Evidence to take along</h3>
      <p class="buttons">
        <Copy text={json}>Copy as JSON</Copy>
        <Copy text={`npx autoshield explain ${detection.id}`}>Copy command line</Copy>
        <a href={auditHref(detection.id)}>Its entries in the audit trail</a>
      </p>
      <details><summary>Raw JSON</summary><pre tabIndex={0}>{json}</pre></details>
    </section>
  )
}
