import type { Protected } from '../../../core/safety/protected.ts'
import { protectedHref } from '../model/route.ts'
import type { Wall } from '../model/wall.ts'
import { usePages } from './fetched.ts'
import { SafetyStandings } from './safety-standing.tsx'
import { Search } from './search.tsx'
import { ShownPages } from './shown.tsx'

const BY: Readonly<Record<Protected['by'], string>> = {
  own: 'AutoShield itself',
  system: 'the cluster\'s own',
  operator: 'named by you',
  'api-server': 'API server',
  dns: 'DNS',
  webhook: 'back end of a webhook',
  'aggregated-api': 'back end of an API',
  'node-agent': 'agent of a node',
  node: 'a node',
}

/** How much may still be done, and what no restriction may touch, each with how that is known. */
export function ProtectedPage ({ text, wall, now }: { text: string, wall: Wall, now: number }) {
  const pages = usePages<Protected>(`/protected${text === '' ? '' : `?${new URLSearchParams({ text }).toString()}`}`, wall.versions.protected)
  return (
    <article>
      <h2>Safety</h2>
      <SafetyStandings wall={wall} now={now} />
      <h3 class="part">Protected</h3>
      <p class="empty">No restriction touches these, whatever a rule says. They are found in the cluster; the safety settings name more, and a namespace is added by the label <code>autoshield.dev/protected=true</code>.</p>
      <Search text={text} label="In a name or a reason" example="a pod, a namespace, an address, DNS" href={protectedHref} />
      <ShownPages pages={pages} what="what is protected" older="Show more">
        {(items) => items.length === 0
          ? <p class="empty">{text === '' ? 'Nothing is known to be protected yet: no cluster has been seen.' : 'Nothing that is protected matches.'}</p>
          : <List items={items} />}
      </ShownPages>
    </article>
  )
}

function List ({ items }: { items: readonly Protected[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="What is protected">
      <table class="stacking">
        <thead><tr><th scope="col">What</th><th scope="col">As</th><th scope="col">How that is known</th></tr></thead>
        <tbody>
          {items.map(({ kind, name, uid = '', by, how }) => (
            <tr key={`${kind}/${name}/${uid}`}><td><span class="kind">{kind}</span> <b>{name}</b></td><td>{BY[by]}</td><td>{how}</td></tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
