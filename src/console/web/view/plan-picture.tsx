import { useState } from 'preact/hooks'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import type { PlanEffect } from '../../../core/plan/effect.ts'
import { REASONS } from '../../../core/reason.ts'
import { fatesOf, leadingOption, kindOf, placesWords, type Fate, type FateOfFlows, type PlanOption } from '../model/plan.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { number } from '../model/words.ts'
import { useFetched } from './fetched.ts'
import { Mark } from './mark.tsx'
import { Shown } from './shown.tsx'
import { Yaml } from './yaml.tsx'

/** What each way of carrying a mitigation cuts and lets be, by the flows of the last hour, and why the others were not taken. */
export function PlanPicture ({ mitigation, wall }: { mitigation: Mitigation, wall: Wall }) {
  const { metadata: { name, generation }, status } = mitigation
  const effect = useFetched<PlanEffect>(`/mitigations/${encodeURIComponent(name)}/effect`, generation)
  return (
    <section class="plan" aria-labelledby="plan-title">
      <h3 id="plan-title">What {status.phase === 'active' && !status.simulated ? 'it cuts, and what goes on' : 'it would cut, and what would go on'}</h3>
      <Shown fetched={effect} what="what it does">
        {(told) => <EffectPicture effect={told} of={name} wall={wall} />}
      </Shown>
    </section>
  )
}

/** One way of carrying it, with its flows, and all the ways to choose from. `of`: what it is called. */
export function EffectPicture ({ effect, of, wall }: { effect: PlanEffect, of: string, wall: Wall }) {
  const [chosen, setChosen] = useState<number | null>(null)
  const at = chosen ?? leadingOption(effect)
  const option = effect.options[at]
  if (option === undefined) return <p class="empty">No NetworkPolicy can carry it: in front of victims without a name none can stand. The proxies carry it alone.</p>
  return (
    <>
      <Totals option={option} />
      {effect.unjudged.length > 0 && <p class="more">Not judged: {effect.unjudged.join(', ')}, of others and in Cilium's own language. What they keep closed counts as open here.</p>}
      <FlowTable option={option} of={of} wall={wall} />
      <Options options={effect.options} at={at} show={setChosen} />
    </>
  )
}

const FATE: Readonly<Record<Fate, { readonly title: string, readonly none: string }>> = {
  attack: { title: 'The attack: cut', none: 'No connection of the attack was recorded in the last hour.' },
  cost: { title: 'Legitimate: cut as well', none: 'No other connection of the last hour would have been cut.' },
  'goes-on': { title: 'Goes on as before', none: 'No other flow of these pods was seen in the last hour.' },
}

function Totals ({ option }: { option: PlanOption }) {
  const fates = fatesOf(option)
  const total = Math.max(1, fates.reduce((sum, { connections }) => sum + connections, 0))
  let from = 0
  return (
    <>
      <dl class="totals">
        {fates.map(({ fate, connections, flows }) => <div key={fate} class={connections === 0 ? 'none' : fate}><dt>{FATE[fate].title}</dt><dd><b>{number(connections)}</b> {connections === 1 ? 'connection' : 'connections'} in {number(flows)} {flows === 1 ? 'flow' : 'flows'}</dd></div>)}
      </dl>
      <svg class="shares" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        {fates.map(({ fate, connections }) => {
          const width = 100 * connections / total
          const x = from
          from += width
          return <rect key={fate} class={fate} x={x} width={width} height="4" />
        })}
      </svg>
      <p class="empty">By the connections of the last hour, on the policies and pods of now. It {option.cuts.total === 0 ? 'cuts no pair of ends that could reach each other' : `keeps ${number(option.cuts.total)} ${option.cuts.total === 1 ? 'pair' : 'pairs'} of ends from reaching each other as before`}.</p>
    </>
  )
}

/** Rows of each fate that are drawn at first. */
const ROWS = 8

function FlowTable ({ option, of, wall }: { option: PlanOption, of: string, wall: Wall }) {
  const names = new Map(wall.pods.flatMap((pod) => pod.addresses.map((address) => [address, `${pod.namespace}/${pod.name}`] as const)))
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Flows before and after ${of}`}>
      <table class="flows">
        <thead><tr><th scope="col">Flow</th><th scope="col">Before</th><th scope="col">After</th><th scope="col" class="num">Last hour</th></tr></thead>
        {fatesOf(option).map((fate) => <Rows key={fate.fate} of={fate} name={(address) => names.get(address) ?? address} />)}
      </table>
    </div>
  )
}

function Rows ({ of: { fate, flows, listed }, name }: { of: FateOfFlows, name: (address: string) => string }) {
  const [shown, setShown] = useState(ROWS)
  const { title, none } = FATE[fate]
  const more = Math.min(listed.length, flows) - shown
  return (
    <tbody class={flows === 0 ? 'none' : fate}>
      <tr class="group"><th scope="rowgroup" colSpan={4}>{title}</th></tr>
      {listed.length === 0 && <tr><td colSpan={4} class="empty">{none}</td></tr>}
      {listed.slice(0, shown).map(({ source, destination, protocol, port, connections }) => (
        <tr key={`${source} ${destination} ${protocol} ${port}`}>
          <td><span title={source}>{name(source)}</span> <span class="to" aria-label="to">→</span> <span title={destination}>{name(destination)}</span> <span class="port">{protocol} {port}</span></td>
          <td><Way open /></td>
          <td><Way open={fate === 'goes-on'} /></td>
          <td class="num">{number(connections)}</td>
        </tr>
      ))}
      {more > 0 && <tr><td colSpan={4}><button type="button" onClick={() => setShown(shown + 10 * ROWS)}>{number(more)} more</button></td></tr>}
      {listed.length < flows && shown >= listed.length && <tr><td colSpan={4} class="empty">{number(flows - listed.length)} quieter ones are not listed.</td></tr>}
    </tbody>
  )
}

/** A way from one end to the other, open or with a bar across it. */
function Way ({ open }: { open: boolean }) {
  return (
    <svg class={open ? 'way open' : 'way cut'} width="64" height="14" viewBox="0 0 64 14" role="img" aria-label={open ? 'passes' : 'cut'}>
      {open ? <><path d="M2 7H56" /><path class="head" d="M55 2.5 62 7l-7 4.5Z" /></> : <><path d="M2 7H30" /><path class="rest" d="M36 7H62" /><path class="bar" d="M33 1V13" /></>}
    </svg>
  )
}

const STATE: Readonly<Record<PlanOption['state'], { readonly mark: StationState, readonly words: string }>> = {
  taken: { mark: 'done', words: 'taken' },
  'not-needed': { mark: 'none', words: 'not needed: another one does' },
  refused: { mark: 'none', words: 'rejected' },
}

function Options ({ options, at, show }: { options: readonly PlanOption[], at: number, show: (at: number) => void }) {
  return (
    <div class="options">
      <h4>{options.length === 1 ? 'The one way to carry it' : `The ${options.length} ways to carry it, the smallest first`}</h4>
      <ol class="rules">
        {options.map((option, index) => {
          const { mark, words } = STATE[option.state]
          return (
            <li key={option.policies.join()}>
              <p class="verdict"><Mark state={mark} /><b>A {kindOf(option)} {placesWords(option)}</b><span>{words}</span></p>
              <p>{option.message} <span class="code" title={REASONS[option.reason]}>{option.reason}</span></p>
              <p class="empty">It costs {option.cost === 0 ? 'no legitimate connection of the last hour' : `${number(option.cost)} legitimate ${option.cost === 1 ? 'connection' : 'connections'} of the last hour`}.</p>
              {options.length > 1 && <p><button type="button" aria-pressed={index === at} onClick={() => show(index)}>{index === at ? 'Shown above' : 'Show what it cuts'}</button></p>}
              {option.cuts.listed.length > 0 && <Cuts option={option} />}
              {option.objects.map((text, place) => <Yaml key={place} title={kindOf(option)} text={text} />)}
            </li>
          )
        })}
      </ol>
    </div>
  )
}

function Cuts ({ option: { cuts: { total, listed } } }: { option: PlanOption }) {
  return (
    <details class="yaml">
      <summary>Who reaches whom no more: {number(total)}</summary>
      <ul class="cuts">{listed.map(({ source, destination, ports }) => <li key={`${source} ${destination}`}>{source} <span class="to" aria-label="to">→</span> {destination} <span class="port">{ports}</span></li>)}</ul>
      {total > listed.length && <p class="empty">{number(total - listed.length)} more are not listed.</p>}
    </details>
  )
}
