import { detectionHref, detectionsHref, mitigationHref } from '../model/route.ts'
import { activeMitigations, waitingDecisions, type Wall } from '../model/wall.ts'
import { bytes, number, restriction, stillThrough, subjectName, towards } from '../model/words.ts'
import { Approval } from './approval.tsx'
import { DetectionRows } from './detection-rows.tsx'
import { Figures } from './figures.tsx'
import { Panic } from './panic.tsx'
import { Mark, Simulated } from './mark.tsx'
import { TrafficMap } from './traffic-map.tsx'
import { TimeLeft } from './time-left.tsx'
import { LetBe, NotDone } from './wall-lists.tsx'
import { Undo } from './undo.tsx'

/** How many rows a list on the wall shows; the rest is in the API and the audit trail. */
const ROWS = 12

export function WallPage ({ wall, now }: { wall: Wall, now: number }) {
  if (wall.loaded && wall.stats === null && wall.pods.length === 0) return <Nothing />
  return (
    <div class="wall">
      <div class="main">
        <section class="picture" aria-labelledby="traffic-title">
          <h2 id="traffic-title">Traffic between pods</h2>
          <TrafficMap wall={wall} now={now} />
        </section>
        <BusiestPairs wall={wall} />
      </div>
      <div class="side">
        <Panic halt={wall.halt} inForce={activeMitigations(wall, now).filter(({ status }) => !status.simulated).length} />
        <Waiting wall={wall} now={now} />
        <NotDone wall={wall} />
        <Figures wall={wall} />
        <Detections wall={wall} />
        <Restrictions wall={wall} now={now} />
        <LetBe wall={wall} now={now} />
      </div>
    </div>
  )
}

function Nothing () {
  return (
    <section class="empty-page">
      <h2>Nothing to watch yet</h2>
      <p>No observer reports and no pod is known. What to do next:</p>
      <dl>
        <dt>In a cluster</dt>
        <dd>Label a namespace, then restart its pods:<code>kubectl label namespace NAME autoshield.dev/injection=enabled</code></dd>
        <dt>Without a cluster</dt>
        <dd>Replay a capture:<code>npm start -- --capture FILE.pcap</code></dd>
      </dl>
      <p>This page fills by itself as soon as the first window arrives.</p>
    </section>
  )
}

/** What a person has to decide now, the most urgent first. */
function Waiting ({ wall, now }: { wall: Wall, now: number }) {
  const waiting = waitingDecisions(wall)
  if (waiting.length === 0) return null
  return (
    <section class="list-waiting" aria-labelledby="waiting-title">
      <h2 id="waiting-title">Waits for you <span class="count">{waiting.length}</span></h2>
      <ul class="decisions">
        {waiting.slice(0, ROWS).map((decision) => (
          <li key={decision.id} class="hold">
            <p><a href={detectionHref(decision.detection)}><b>{decision.action}</b> by “{decision.rule}”</a>: {decision.message}</p>
            <Approval decision={decision} now={now} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Detections ({ wall }: { wall: Wall }) {
  const all = [...wall.detections.values()].reverse()
  const going = all.filter(({ phase }) => phase !== 'closed')
  const shown = [...going, ...all.filter(({ phase }) => phase === 'closed')].slice(0, ROWS)
  return (
    <section class="list-detections" aria-labelledby="detections-title">
      <h2 id="detections-title">Detections <span class="count">{going.length} going on, {all.length - going.length} over</span></h2>
      {shown.length === 0 && <p class="empty">None. When a window scores above its class's threshold, its story appears here.</p>}
      <DetectionRows detections={shown} wall={wall} />
      {all.length > 0 && <p class="more"><a href={detectionsHref('')}>{all.length > ROWS ? `${number(all.length - ROWS)} more, and how` : 'How'} often they were right</a></p>}
    </section>
  )
}

function Restrictions ({ wall, now }: { wall: Wall, now: number }) {
  const active = activeMitigations(wall, now)
  const simulated = active.filter(({ status }) => status.simulated).length
  return (
    <section class="list-restrictions" aria-labelledby="restrictions-title">
      <h2 id="restrictions-title">Restrictions <span class="count">{active.length - simulated} now{simulated > 0 ? `, ${simulated} simulated` : ''}</span></h2>
      {active.length === 0 && <p class="empty">None. Nothing that AutoShield did is in force; every restriction also ends by itself.</p>}
      <ul class="restrictions">
        {active.slice(0, ROWS).map((mitigation) => (
          <li key={mitigation.metadata.name} class={mitigation.status.simulated ? 'is-simulated' : ''}>
            <a href={mitigationHref(mitigation.metadata.name)}>
              <b>{subjectName(mitigation.spec)}</b> {mitigation.status.simulated ? 'would be ' : ''}{restriction(mitigation)}{towards(mitigation)}
              {mitigation.status.simulated && <Simulated />}
            </a>
            {stillThrough(mitigation) !== null && <p class="through"><Mark state="broken" size={12} /><span>{stillThrough(mitigation)}</span></p>}
            <TimeLeft mitigation={mitigation} now={now} />
            <Undo mitigation={mitigation} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function BusiestPairs ({ wall }: { wall: Wall }) {
  const owner = new Map(wall.pods.flatMap((pod) => pod.addresses.map((address) => [address, `${pod.namespace}/${pod.name}`] as const)))
  const rows = wall.edges.toSorted((a, b) => b.packets - a.packets).slice(0, 7)
  if (rows.length === 0) return null
  return (
    <section class="pairs" aria-labelledby="pairs-title">
      <h2 id="pairs-title">Busiest pairs <span class="count">of {number(wall.edges.length)}, last 15 s</span></h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of the busiest pairs">
        <table>
          <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col" class="num">Packets</th><th scope="col" class="num">Payload</th><th scope="col" class="num">Flows</th></tr></thead>
          <tbody>
            {rows.map(({ source, destination, packets, bytes: size, flows }) => (
              <tr key={`${source}>${destination}`}>
                <td title={source}>{owner.get(source) ?? source}</td>
                <td title={destination}>{owner.get(destination) ?? destination}</td>
                <td class="num">{number(packets)}</td>
                <td class="num">{bytes(size)}</td>
                <td class="num">{number(flows)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
