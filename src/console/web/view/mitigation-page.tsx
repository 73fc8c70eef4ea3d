import { detectionHref } from '../model/route.ts'
import { decisionsOf, type Wall } from '../model/wall.ts'
import { restriction, subjectName } from '../model/words.ts'
import { MitigationCard } from './mitigation-card.tsx'
import { PlanPicture } from './plan-picture.tsx'

export function MitigationPage ({ name, wall, now }: { name: string, wall: Wall, now: number }) {
  const mitigation = wall.mitigations.get(name)
  if (mitigation === undefined) {
    return wall.loaded
      ? <section class="empty-page"><h2>No such mitigation</h2><p>It may be older than the newest ones kept here; the API and the <a href="#/audit">audit trail</a> go back further.</p></section>
      : <p class="empty">Looking for it …</p>
  }
  const { detection, owner } = mitigation.spec
  return (
    <article class="narrow">
      <p class="crumb"><a href="#/">Wall</a> / <a href={detectionHref(detection)}>detection <code>{detection}</code></a> / mitigation</p>
      <h2>{subjectName(mitigation.spec)} {mitigation.status.simulated ? 'would be ' : ''}{restriction(mitigation)}</h2>
      <p class="empty">From rule “{owner.rule}” of policy {owner.policy}, sha256 <code>{owner.hash.slice(0, 12)}</code>.</p>
      <MitigationCard mitigation={mitigation} decisions={decisionsOf(wall, detection)} now={now} />
      {mitigation.spec.action === 'deny' && <PlanPicture mitigation={mitigation} wall={wall} />}
    </article>
  )
}
