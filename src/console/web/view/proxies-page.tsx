import type { ProxyStatus } from '../../../ports.ts'
import { mitigationHref } from '../model/route.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { Mark } from './mark.tsx'
import { Snapshot } from './mitigation-card.tsx'

const STATE: Readonly<Record<ProxyStatus['state'], StationState>> = { 'in-sync': 'done', pending: 'waiting', rejected: 'broken' }

/** Every proxy, and what it answered to the newest snapshot that it was sent. */
export function ProxiesPage ({ wall }: { wall: Wall }) {
  const names = new Map(wall.pods.map(({ uid, namespace, name }) => [uid, `${namespace}/${name}`]))
  const proxies = [...wall.proxies.values()].sort((a, b) => a.podUid < b.podUid ? -1 : 1)
  return (
    <article>
      <h2>Proxies <span class="count">{proxies.filter(({ connected }) => connected).length} connected of {proxies.length}</span></h2>
      {proxies.length === 0 && <p class="empty">No Envoy has connected yet. Point one's <code>ads_config</code> at the xDS address that AutoShield prints at its start, or label a namespace <code>autoshield.dev/proxy=enabled</code>.</p>}
      <ul class="rules">
        {proxies.map(({ podUid, connected, version, state, message, mitigations }) => (
          <li key={podUid}>
            <p class="verdict"><Mark state={STATE[state]} /><b>{names.get(podUid) ?? podUid}</b><span>{state}, version {version === '' ? 'none' : version}, {connected ? 'connected' : 'not connected'}</span></p>
            {message !== '' && <p class="problem">{message}</p>}
            {mitigations.length > 0 && <p>Carries {mitigations.map((name) => <a key={name} class="spaced" href={mitigationHref(name)}><code>{name}</code></a>)}</p>}
            <Snapshot podUid={podUid} />
          </li>
        ))}
      </ul>
    </article>
  )
}
