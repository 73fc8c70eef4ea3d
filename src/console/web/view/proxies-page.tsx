import { standingOf, type Standing } from '../../../core/mitigation/proxy-standing.ts'
import type { ProxyStatus } from '../../../ports/proxies.ts'
import { mitigationHref } from '../model/route.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { openConnectionsWords, restriction, subjectName } from '../model/words.ts'
import { Mark, Simulated } from './mark.tsx'
import { Snapshot } from './mitigation-card.tsx'
import { Time } from './time.tsx'

const STANDING: Readonly<Record<Standing, { readonly state: StationState, readonly words: string }>> = {
  'in-sync': { state: 'done', words: 'in sync' },
  stale: { state: 'waiting', words: 'being told something newer' },
  silent: { state: 'broken', words: 'silent: connected, and it has not answered' },
  rejected: { state: 'broken', words: 'rejected what it was sent' },
  away: { state: 'broken', words: 'away: not connected' },
}

/** Every proxy: where it stands since when, what it carries, and what it refused, in its own words. */
export function ProxiesPage ({ wall, now }: { wall: Wall, now: number }) {
  const names = new Map(wall.pods.map(({ uid, namespace, name }) => [uid, `${namespace}/${name}`]))
  const proxies = [...wall.proxies.values()].sort((a, b) => a.podUid < b.podUid ? -1 : 1)
  return (
    <article>
      <h2>Proxies <span class="count">{proxies.filter(({ connected }) => connected).length} connected of {proxies.length}</span></h2>
      {proxies.length === 0 && <p class="empty">No Envoy has connected yet. Point one's <code>ads_config</code> at the xDS address that AutoShield prints at its start, or label a namespace <code>autoshield.dev/proxy=enabled</code>.</p>}
      <ul class="rules">
        {proxies.map((proxy) => {
          const { state, words } = STANDING[standingOf(proxy, now)]
          return (
            <li key={proxy.podUid}>
              <p class="verdict"><Mark state={state} /><b>{names.get(proxy.podUid) ?? proxy.podUid}</b><span>{words}, version {proxy.version === '' ? 'none' : proxy.version}</span><Time at={proxy.since} /></p>
              {proxy.message !== '' && <p class={state === 'broken' ? 'problem' : 'empty'}>{proxy.message}</p>}
              <Told title="Refused, and taken out again:" told={proxy.refused} />
              <Told title="Cannot carry:" told={proxy.shortfalls} />
              <Carried proxy={proxy} wall={wall} />
              <Snapshot podUid={proxy.podUid} />
            </li>
          )
        })}
      </ul>
    </article>
  )
}

function Told ({ title, told }: { title: string, told: ProxyStatus['refused'] }) {
  if (told.length === 0) return null
  return (
    <ul class="problem" aria-label={title}>
      {told.map(({ mitigation, message }) => <li key={mitigation}>{title} <a href={mitigationHref(mitigation)}><code>{mitigation}</code></a>: {message}</li>)}
    </ul>
  )
}

/** What it is asked to hold; where the mitigation is older than what the page keeps, its name alone. */
function Carried ({ proxy: { mitigations, taken, openConnections }, wall }: { proxy: ProxyStatus, wall: Wall }) {
  if (mitigations.length === 0) return null
  return (
    <ul class="carried" aria-label="Restrictions">
      {mitigations.map((name) => {
        const mitigation = wall.mitigations.get(name)
        const shadow = mitigation !== undefined && (mitigation.status.simulated || mitigation.spec.mode === 'shadow')
        return (
          <li key={name}>
            <Mark state={shadow ? 'simulated' : taken.includes(name) ? 'done' : 'waiting'} size={12} /> <a href={mitigationHref(name)}><code>{name}</code></a>
            {mitigation !== undefined && <> {shadow && <Simulated />}{subjectName(mitigation.spec)} {restriction(mitigation)}</>}
            {(openConnections[name] ?? []).map((each, index) => <span key={index} class="count">{openConnectionsWords(each)}</span>)}
          </li>
        )
      })}
    </ul>
  )
}
