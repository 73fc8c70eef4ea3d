import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Live } from '../model/live.ts'
import { routeOf, type Route } from '../model/route.ts'
import { sentenceOf } from '../model/sentence.ts'
import { EMPTY_WALL, type Wall } from '../model/wall.ts'
import { AuditPage } from './audit-page.tsx'
import { ErrandsPage } from './errands-page.tsx'
import { ExceptionsPage } from './exceptions-page.tsx'
import { DetectionPage } from './detection-page.tsx'
import { DetectionsPage } from './detections-page.tsx'
import { HealthPage } from './health-page.tsx'
import { Header } from './header.tsx'
import { MitigationPage } from './mitigation-page.tsx'
import { ModelsPage } from './models-page.tsx'
import { PodNames } from './pod-names.ts'
import { PolicyPage } from './policy-page.tsx'
import { ProtectedPage } from './protected-page.tsx'
import { ProxiesPage } from './proxies-page.tsx'
import { RolloutsPage } from './rollouts-page.tsx'
import { clock } from './time.tsx'
import { WallPage } from './wall-page.tsx'

function useRoute (): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const follow = () => {
      setRoute(routeOf(location.hash))
      window.scrollTo(0, 0)
      document.getElementById('main')?.focus({ preventScroll: true })
    }
    window.addEventListener('hashchange', follow)
    return () => window.removeEventListener('hashchange', follow)
  }, [])
  return route
}

/** The console's time, once a second. */
function useNow (skewMs: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000)
    return () => window.clearInterval(timer)
  }, [])
  return now + skewMs
}

/** The viewer's, by IANA's name. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

export function App () {
  const [wall, setWall] = useState<Wall>(EMPTY_WALL)
  const live = useRef<Live | null>(null)
  const route = useRoute()
  const now = useNow(wall.skewMs)
  useEffect(() => {
    const connection = new Live(setWall)
    live.current = connection
    connection.start()
    return () => connection.stop()
  }, [])
  const sentence = useMemo(() => sentenceOf(wall, now, clock), [wall, now])
  const names = useMemo(() => new Map(wall.pods.map(({ uid, namespace, name }) => [uid, `${namespace}/${name}`])), [wall.pods])
  const fetchDetection = (id: string) => live.current?.fetchDetection(id) ?? Promise.resolve(false)

  return (
    <PodNames.Provider value={names}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus() }}>Skip to content</a>
      <Header wall={wall} route={route} sentence={sentence} />
      <main id="main" tabIndex={-1}>
        {page(route, wall, now, fetchDetection)}
      </main>
      <footer>{wall.version !== '' && `AutoShield Mesh ${wall.version}. `}Times are in {zone}{zone === 'UTC' ? '' : ', with UTC on hover'}.</footer>
    </PodNames.Provider>
  )
}

function page (route: Route, wall: Wall, now: number, fetchDetection: (id: string) => Promise<boolean>) {
  switch (route.page) {
    case 'wall': return <WallPage wall={wall} now={now} />
    case 'detections': return <DetectionsPage phase={route.phase} wall={wall} />
    case 'detection': return <DetectionPage key={route.id} id={route.id} wall={wall} now={now} fetchDetection={fetchDetection} />
    case 'mitigation': return <MitigationPage key={route.name} name={route.name} wall={wall} now={now} />
    case 'audit': return <AuditPage key={route.text} text={route.text} />
    case 'policy': return <PolicyPage wall={wall} />
    case 'exceptions': return <ExceptionsPage wall={wall} now={now} />
    case 'errands': return <ErrandsPage phase={route.phase} wall={wall} now={now} />
    case 'protected': return <ProtectedPage key={route.text} text={route.text} wall={wall} now={now} />
    case 'models': return <ModelsPage wall={wall} />
    case 'health': return <HealthPage wall={wall} now={now} />
    case 'proxies': return <ProxiesPage wall={wall} now={now} />
    case 'rollouts': return <RolloutsPage wall={wall} now={now} />
  }
}
