import type { Route } from '../model/route.ts'
import { detectionHref } from '../model/route.ts'
import type { Sentence } from '../model/sentence.ts'
import type { Link, Wall } from '../model/wall.ts'
import { Simulated } from './mark.tsx'

const PAGES = [
  ['wall', '#/', 'Wall'], ['detections', '#/detections', 'Detections'], ['policy', '#/policy', 'Policy'], ['exceptions', '#/exceptions', 'Exceptions'], ['protected', '#/protected', 'Safety'],
  ['rollouts', '#/rollouts', 'Rollouts'], ['proxies', '#/proxies', 'Proxies'], ['errands', '#/errands', 'Errands'], ['models', '#/models', 'Models'], ['health', '#/health', 'Health'], ['audit', '#/audit', 'Audit'],
] as const

const LINK_WORDS: Readonly<Record<Link['state'], string>> = { connecting: 'connecting', live: 'live', lost: 'not connected' }

export function Header ({ wall, route, sentence }: { wall: Wall, route: Route, sentence: Sentence }) {
  return (
    <header class={route.page === 'wall' ? 'top' : 'top compact'}>
      <div class="bar">
        <a class="brand" href="#/">AutoShield Mesh</a>
        <nav aria-label="Pages">
          {PAGES.map(([page, href, title]) => <a key={page} href={href} aria-current={route.page === page ? 'page' : undefined}>{title}</a>)}
          <a href="/docs" rel="noreferrer">API</a>
        </nav>
        <span class={`link ${wall.link.state}`}><i aria-hidden="true" />{LINK_WORDS[wall.link.state]}</span>
      </div>
      <h1 class={`sentence ${sentence.tone}`}>
        {sentence.tone === 'wrong' && <span class="alarm" aria-hidden="true">!</span>}
        <span role="status">
          {sentence.simulated && <Simulated />}
          {sentence.detection === null ? sentence.text : <a href={detectionHref(sentence.detection)}>{sentence.text}</a>}
        </span>
      </h1>
    </header>
  )
}
