import type { Comparison } from '../../../core/model/comparison.ts'
import type { ModelStanding } from '../../../core/model/standing.ts'
import type { Wall } from '../model/wall.ts'
import { classWords, number } from '../model/words.ts'
import { Baselines } from './baselines.tsx'
import { Copy } from './copy.tsx'
import { useFetched } from './fetched.ts'
import { Mark } from './mark.tsx'
import { Shown } from './shown.tsx'
import { Time } from './time.tsx'

interface Models { readonly standing: ModelStanding | null, readonly comparison: Comparison | null }

/** What detectors score with, how a candidate compares, and how to change it. */
export function ModelsPage ({ wall }: { wall: Wall }) {
  const models = useFetched<Models>('/models', wall.versions.models)
  return (
    <article class="models">
      <h2>Models</h2>
      <Shown fetched={models} what="models">
        {({ standing, comparison }) => standing === null
          ? <p class="empty">No detector has told yet what it scores with. <a href="#/health">Health</a> says whether one answers.</p>
          : <><Standing standing={standing} /><Shadow standing={standing} comparison={comparison} /><Installed standing={standing} /></>}
      </Shown>
      <Baselines />
    </article>
  )
}

function Standing ({ standing: { current, shadow, refused, by, reason, classes = [] } }: { standing: ModelStanding }) {
  return (
    <ul class="health">
      <li><Mark state="done" /><h3>Scores now</h3><div><p><b>{current}</b></p>{classes.length > 0 && <p>It knows: {classes.map((name) => classWords(name).title).join(', ')}.</p>}{by !== '' && <p class="empty">The last change was asked for by {by}{reason !== '' && `: ${reason}`}.</p>}</div></li>
      <li><Mark state={shadow === null ? 'none' : 'simulated'} /><h3>In shadow</h3><div>{shadow === null ? <p class="empty">No candidate. One in shadow scores the same windows, and nothing follows from what it says.</p> : <p><b>{shadow}</b></p>}</div></li>
      {refused.map(({ version, message }) => <li key={version} class="failed"><Mark state="broken" /><h3>Refused</h3><div><p><b>{version}</b>: {message}</p></div></li>)}
    </ul>
  )
}

const percent = (part: number, whole: number): string => whole === 0 ? 'none yet' : `${(100 * part / whole).toFixed(2)} %`
const ms = (value: number | null): string => value === null ? 'none yet' : `${value.toPrecision(2)} ms`

function Shadow ({ standing: { shadow }, comparison }: { standing: ModelStanding, comparison: Comparison | null }) {
  if (shadow === null) return null
  return (
    <section aria-labelledby="comparison-title">
      <h3 id="comparison-title" class="part">How {shadow} compares</h3>
      {comparison === null ? <p class="empty">Nothing was compared yet; the first figures come with the first windows.</p> : <Compared comparison={comparison} />}
    </section>
  )
}

function Compared ({ comparison }: { comparison: Comparison }) {
  const { current, candidate, since, until, windows, skipped, failed, agreed, alarms, difference, latency } = comparison
  const rows = [
    ...Object.entries(alarms).map(([name, of]) => ({ what: `Alarms: ${classWords(name).title}`, ours: number(of.current), theirs: number(of.candidate), both: number(of.both) })),
    { what: 'A run, median', ours: ms(latency.current.p50Ms), theirs: ms(latency.candidate.p50Ms), both: '' },
    { what: 'A run, slowest of 100', ours: ms(latency.current.p99Ms), theirs: ms(latency.candidate.p99Ms), both: '' },
  ]
  return (
    <>
      <dl class="facts">
        <div><dt>Agree on the class</dt><dd>{percent(agreed, windows)}</dd></div>
        <div><dt>Windows scored by both</dt><dd>{number(windows)}</dd></div>
        <div><dt>Left out to save time</dt><dd>{number(skipped)}</dd></div>
        <div><dt>Could not be scored</dt><dd class={failed > 0 ? 'open' : ''}>{number(failed)}</dd></div>
        <div><dt>Apart on average</dt><dd>{difference.mean.toFixed(4)}</dd></div>
        <div><dt>Apart at most</dt><dd>{difference.max.toFixed(4)}</dd></div>
      </dl>
      <p class="empty">From <Time at={since} /> to <Time at={until} />. Apart: in the probability of an attack. An alarm is a window at or above the model's own threshold of that class.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Alarms and time of both models">
        <table>
          <thead><tr><th scope="col">What</th><th scope="col" class="num">{current}</th><th scope="col" class="num">{candidate}</th><th scope="col" class="num">Both</th></tr></thead>
          <tbody>{rows.map(({ what, ours, theirs, both }) => <tr key={what}><td>{what}</td><td class="num">{ours}</td><td class="num">{theirs}</td><td class="num">{both}</td></tr>)}</tbody>
        </table>
      </div>
    </>
  )
}

const useOf = (version: string, { current, shadow }: ModelStanding): string => version === current ? 'scores now' : version === shadow ? 'in shadow' : 'installed'

/** Whoever may write the detector's folder changes models; the page says how. */
function Installed ({ standing }: { standing: ModelStanding }) {
  const { installed = [] } = standing
  return (
    <section aria-labelledby="installed-title">
      <h3 id="installed-title" class="part">Installed</h3>
      <p class="empty">Models are changed beside the detector, by whoever may write its folder: here in a shell, in a cluster with <code>kubectl -n autoshield exec</code> into its pod. Each change is in the audit trail with its name and reason.</p>
      {installed.length === 0 && <p class="empty">None beside the model that the detector was started with. <code>autoshield model install FOLDER</code> brings one in.</p>}
      <ul class="rules">
        {installed.map((version) => (
          <li key={version}>
            <p class="verdict"><b>{version}</b><span>{useOf(version, standing)}</span></p>
            <p class="buttons">
              {version !== standing.current && version !== standing.shadow && <Copy text={`autoshield model shadow ${version}`}>Copy: put in shadow</Copy>}
              {version !== standing.current && <Copy text={`autoshield model promote ${version} --yes --reason "…"`}>Copy: let it score</Copy>}
              {version === standing.shadow && <Copy text="autoshield model shadow --off">Copy: end the shadow</Copy>}
            </p>
          </li>
        ))}
      </ul>
      <p class="buttons"><Copy text='autoshield model rollback --reason "…"'>Copy: go back to the model before</Copy></p>
    </section>
  )
}
