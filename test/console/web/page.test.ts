import { AxeBuilder } from '@axe-core/playwright'
import t from 'tap'
import { createConsole } from '../../../src/console/api/console.ts'
import { FakeLoop } from '../fake-loop.ts'
import { attack, crowd, decided, guessing, limited, pod, quiet, replayed, simulatedScan, traffic } from '../scenes.ts'
import { consoleOptions, stage } from '../stage.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { builtPage, launch, tabTo, visit, words } from './browser.ts'

const chromium = findTool('chromium')
const skip = skipWithout(chromium.missing === undefined ? [] : [chromium.missing])

t.setTimeout(300_000) // a browser on a busy machine

t.test('the page', { skip, timeout: 300_000 }, async (t) => {
  const pageFolder = await builtPage(t)
  const browser = await launch(t)
  t.jobs = 1

  t.test('a detection appears by itself, its explanation opens, and its mitigation is undone', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const { page, complaints, strayed } = await visit(t, browser, urls.dashboard)
    t.equal(await words(page, 'h1'), 'Quiet: 14 pods watched, 1 not, nothing restricted.')

    await attack(loop)
    await page.locator('.map a.lit').waitFor()
    t.match(await words(page, 'h1'), /ci-runner-0 is guessing passwords on db-0 since \d\d:\d\d:\d\d; limited at 2 targets since \d\d:\d\d:\d\d, ends \d\d:\d\d:\d\d\./)
    t.match(await page.locator('.map .restriction text').textContent(), /^\d:\d\d$/)

    await page.locator('.detections a').click()
    await page.locator('.trail').waitFor()
    t.equal(new URL(page.url()).hash, '#/detections/det-guess-1')
    t.strictSame(await page.locator('.trail .name').allInnerTexts(), ['First packet', 'Window', 'Score', 'Rule', 'Safety', 'Mitigation', 'ACKs', 'Proof', 'Undo'])
    t.equal(await page.locator('.heat-map tbody tr').count(), 12)
    t.match(await words(page, '.evidence li'), /98.8 % of the decided attempts failed in 500 ms usual here: 0 %; at its usual value the score would be 0.61 lower/)
    t.match(await words(page, '.facts'), 'T1110 Brute Force')
    await page.locator('.mitigation summary', { hasText: 'xDS snapshot' }).click()
    await page.locator('.mitigation pre', { hasText: '10.0.4.7/32' }).waitFor()

    await page.locator('.mitigation button.undo').click()
    t.match(await words(page, 'dialog[open]'), /It touches 2 objects in front of db-0: proxy of shop\/db-0 \(programmed\) NetworkPolicy ops\/autoshield-guess-1/)
    await page.getByRole('textbox', { name: 'Why' }).fill('the runner rotates passwords')
    await page.getByLabel('Your name').fill('ada')
    await page.getByRole('button', { name: 'Undo restriction' }).click()
    await page.locator('.mitigation.reverted').waitFor()
    t.strictSame(loop.reverts, [{ mitigation: 'mit-guess-1', actor: 'console:ada', reason: 'the runner rotates passwords' }])
    t.match(await words(page, '.trail li:last-child'), 'a person undid it')
    t.equal(await page.locator('.mitigation button.undo').count(), 0)
    t.match(await words(page, 'h1'), 'nothing restricts it now: the restriction was undone')
    t.strictSame(complaints, [])
    t.strictSame(strayed, [])
  })

  t.test('everything can be done by keyboard alone, and Escape leaves things as they are', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await attack(loop)
    const { page } = await visit(t, browser, urls.dashboard)
    await page.locator('.detections a').waitFor()
    t.ok(await tabTo(page, '.skip'), 'the first stop skips to the content')
    await page.keyboard.press('Enter')
    t.ok(await tabTo(page, '.map a.lit'), 'the lit edge is a link')
    t.ok(await tabTo(page, '.detections a'), 'the detection is reached')
    await page.keyboard.press('Enter')
    await page.locator('.trail').waitFor()
    t.ok(await tabTo(page, 'button.undo'), 'its undo is reached')
    await page.keyboard.press('Enter')
    await page.locator('dialog[open]').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    t.strictSame(loop.reverts, [])
    t.equal(await page.locator('button.undo:focus').count(), 1, 'the focus is back where it was')
    await page.keyboard.press('Enter')
    await page.keyboard.type('tested')
    await page.keyboard.press('Enter')
    await page.locator('.mitigation.reverted').waitFor()
    t.equal(loop.reverts[0]?.reason, 'tested')
  })

  t.test('an undo that is refused says why and can be tried again', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await attack(loop)
    const { page } = await visit(t, browser, urls.dashboard)
    const revert = loop.revert
    loop.revert = () => Promise.reject(new Error('internals'))
    await page.locator('button.undo').click()
    await page.getByRole('textbox', { name: 'Why' }).fill('x')
    await page.getByRole('button', { name: 'Undo restriction' }).click()
    await page.locator('dialog .problem', { hasText: 'A defect of AutoShield' }).waitFor()
    loop.revert = revert
    await page.getByRole('button', { name: 'Undo restriction' }).click()
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    t.equal(loop.reverts.length, 1)
  })

  t.test('of each proxy it says where it stands, what it carries and what becomes of open connections, and what it refused, in its words', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await attack(loop)
    const { page } = await visit(t, browser, `${urls.dashboard}/#/proxies`)
    await page.locator('.carried li').waitFor()
    t.match(await words(page, '.rules li'), /shop\/db-0 in sync, version 7 .*mit-guess-1 ci-runner-0 limited to 1 connections\/s on port 5432 ?open connections on port 5432 go on until they end/)
    const [status] = loop.proxyList
    if (status === undefined) throw new Error('no proxy')
    await loop.emit({ type: 'proxy', status: { ...status, refused: [{ mitigation: 'mit-bad', message: 'Error adding listener: 50ms' }], since: new Date(loop.now() - 60_000).toISOString(), state: 'pending' } })
    await page.locator('.rules .problem').waitFor()
    t.match(await words(page, '.rules li'), /silent: connected, and it has not answered.*Refused, and taken out again: mit-bad: Error adding listener: 50ms/)
    await loop.emit({ type: 'proxy', status: { ...status, connected: false } })
    await page.locator('.rules', { hasText: 'away: not connected' }).waitFor()
  })

  t.test('text from the cluster stays text, wherever it is shown', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    const hostile = '"><img src=x onerror="window.owned=1"><script>window.owned=1</script>'
    const end = { address: '10.0.9.9', uid: hostile, name: hostile, namespace: hostile }
    loop.podList = [pod('shop', hostile, '10.0.9.9', { uid: hostile, labels: { app: hostile } }), pod('shop', 'db-0', '10.0.2.9')]
    await loop.emit(traffic(loop.now(), 0, [{ source: '10.0.9.9', destination: '10.0.2.9', packets: 9, bytes: 9, flows: 9 }]))
    const now = loop.now()
    await loop.emit({ type: 'detection', detection: guessing(now, { id: `x/${hostile}`, class: hostile, source: end, target: end, model: hostile, technique: { id: hostile, name: hostile, url: 'javascript:window.owned=1' }, witnesses: [{ reporter: hostile, quality: 0, agrees: false }], admission: [{ end: 'target', at: new Date(now - 82_000).toISOString(), actor: hostile, text: hostile, severity: 'high' }] }) })
    await loop.emit({ type: 'decision', decision: decided(now, { detection: `x/${hostile}`, rule: hostile, message: hostile, mitigation: hostile, plan: [{ kind: hostile, yaml: hostile }] }) })
    const mitigation = limited(now, { undo: hostile, targets: [{ target: `proxy/${hostile}`, state: 'rejected', version: hostile, message: hostile }] }, { detection: `x/${hostile}`, reason: hostile, subject: { uid: hostile, addresses: ['10.0.9.9'], name: hostile } })
    await loop.emit({ type: 'mitigation', mitigation: { ...mitigation, metadata: { ...mitigation.metadata, name: hostile } } })
    await loop.emit({ type: 'proxy', status: { podUid: hostile, connected: true, version: hostile, state: 'rejected', message: hostile, mitigations: [hostile], since: '2026-01-01T00:00:00.000Z', refused: [{ mitigation: hostile, message: hostile }], taken: [], shortfalls: [{ mitigation: hostile, message: hostile }], openConnections: {} } })
    await loop.audit.append({ actor: hostile, action: hostile, object: hostile, reason: hostile, detail: { [hostile]: hostile } })
    const { page, complaints, strayed } = await visit(t, browser, urls.dashboard)
    const look = async () => {
      t.equal(await page.evaluate('window.owned'), undefined)
      t.equal(await page.locator('img, #app script, a[href^="javascript"]').count(), 0)
    }
    await page.locator('.detections a', { hasText: '<img src=x' }).waitFor()
    await look()
    await page.goto(`${urls.dashboard}/#/detections/${encodeURIComponent(`x/${hostile}`)}`)
    t.match(await words(page, 'section[aria-labelledby=admission-title]'), /What happened to these pods at admission high, target: 40 s before by "><img src=x .*<script>/, 'who did what before the attack')
    for (const [hash, place] of [[`#/detections/${encodeURIComponent(`x/${hostile}`)}`, '.trail'], [`#/mitigations/${encodeURIComponent(hostile)}`, '.mitigation'], ['#/proxies', '.rules li'], ['#/audit', '.audit td'], ['#/audit/onerror', '.audit td'], [`#/detections/${encodeURIComponent(hostile)}`, '.empty-page']] as const) {
      await page.goto(`${urls.dashboard}/${hash}`)
      await page.locator(place).first().waitFor()
      await look()
    }
    t.strictSame(complaints.filter((text) => !text.includes('404')), [])
    t.strictSame(strayed, [])
  })

  t.test('axe finds nothing, in both colour schemes, in every state', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    const { loop: empty, urls: emptyUrls } = await stage(t, { pageFolder })
    t.equal(empty.podList.length, 0)
    await attack(loop)
    await simulatedScan(loop)
    await loop.emit({ type: 'proxy', status: { podUid: 'uid-shop-web-0', connected: true, version: '3', state: 'rejected', message: 'Error adding listener: duplicate', mitigations: [], since: '2026-01-01T00:00:00.000Z', refused: [], taken: [], shortfalls: [], openConnections: {} } })
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await visit(t, browser, urls.dashboard, { colorScheme })
      const check = async (what: string) => {
        const { violations } = await new AxeBuilder({ page }).analyze()
        t.strictSame(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${colorScheme}: ${what}`)
      }
      await page.locator('.detections li').nth(1).waitFor()
      await check('wall')
      const states = [['#/detections/det-guess-1', '.trail'], ['#/detections/det-scan-1', '.trail .broken'], ['#/mitigations/mit-guess-1', '.mitigation'], ['#/proxies', '.rules li'], ['#/policy', '.rules li'], ['#/audit', '.audit td'], ['#/detections/nobody', '.empty-page']] as const
      // The schemes differ in colours alone, so the pages without a colour of their own are looked at once.
      for (const [hash, place] of colorScheme === 'light' ? states : states.slice(0, 4)) {
        await page.goto(`${urls.dashboard}/${hash}`)
        await page.locator(place).first().waitFor()
        await check(hash)
      }
      await page.goto(`${urls.dashboard}/#/mitigations/mit-guess-1`)
      await page.locator('button.undo').click()
      await check('undo')
      const { page: bare } = await visit(t, browser, emptyUrls.dashboard, { colorScheme })
      await bare.locator('.empty-page').waitFor()
      const { violations } = await new AxeBuilder({ page: bare }).analyze()
      t.strictSame(violations.map(({ id }) => id), [], `${colorScheme}: empty`)
    }
  })

  t.test('what is simulated says so in words wherever it is shown, and hatched', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await replayed(loop)
    const { page } = await visit(t, browser, urls.dashboard)
    await page.locator('.detections a').waitFor()
    t.match(await words(page, 'h1'), /simulated In a replay, 10\.77\.0\.20 is guessing .*it would be limited \(simulated\)/)
    t.match(await words(page, '.detections li'), 'simulated')
    t.match(await words(page, '.restrictions li'), /would be limited .*simulated/)
    t.match(await page.locator('.map .restriction text').textContent(), 'simulated')
    t.equal(await page.locator('.map .lit.simulated .wire').count(), 1)
    for (const item of ['.detections .is-simulated', '.restrictions .is-simulated', '.simulated-tag']) {
      t.match(await page.evaluate(`getComputedStyle(document.querySelector('${item}')).backgroundImage`), 'repeating-linear-gradient', item)
    }
    await page.locator('.detections a').click()
    t.match(await words(page, 'article h2'), 'simulated')
    t.match(await words(page, '.mitigation h3'), /simulated would be in force/)
    t.equal(await page.locator('.trail li.simulated').count(), 3)
  })

  t.test('390 pixels are enough: nothing is cut off, and undo is within reach', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await attack(loop)
    await simulatedScan(loop)
    const { page } = await visit(t, browser, urls.dashboard, { viewport: { width: 390, height: 844 } })
    for (const hash of ['#/', '#/detections/det-guess-1', '#/detections/det-scan-1', '#/mitigations/mit-guess-1', '#/policy', '#/proxies', '#/audit']) {
      await page.goto(`${urls.dashboard}/${hash}`)
      await page.locator('main > *').first().waitFor()
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= 390'), hash)
    }
    await page.goto(`${urls.dashboard}/#/`)
    await page.locator('button.undo').click()
    const box = await page.locator('dialog[open]').boundingBox()
    t.ok(box !== null && box.x >= 0 && box.x + box.width <= 390)
  })

  t.test('five hundred pods are points, five thousand are grouped, and both are quiet to the eye', async (t) => {
    for (const [pods, most] of [[500, 500], [5000, 1000]] as const) {
      const { loop, urls } = await stage(t, { pageFolder })
      await crowd(loop, pods)
      const { page } = await visit(t, browser, urls.dashboard)
      await page.locator('.nodes circle').first().waitFor()
      const points = await page.locator('.nodes circle').count()
      t.ok(points > 1 && points <= most, `${pods} pods as ${points} points`)
      t.ok(await page.locator('.edges path').count() <= 400)
      t.match(await words(page, 'h1'), `${pods - Math.ceil(pods / 41)} pods watched, ${Math.ceil(pods / 41)} not`)
    }
  })

  t.test('a console that goes away is said, and when it is back the page catches up by itself', async (t) => {
    const loop = new FakeLoop()
    const first = await stage(t, { pageFolder }, loop)
    await quiet(loop)
    const { page } = await visit(t, browser, first.urls.dashboard)
    await first.stop()
    await page.locator('.link.lost').waitFor()
    t.match(await words(page, 'h1'), /The console does not answer since \d\d:\d\d:\d\d/)
    await attack(loop) // while nobody could tell the page
    const again = createConsole(consoleOptions(t, loop, { pageFolder, ports: { api: 0, dashboard: Number(new URL(first.urls.dashboard).port), metrics: 0 } }))
    await again.listen()
    const stopping = new AbortController()
    const running = again.run(stopping.signal)
    await page.locator('.link.live').waitFor()
    await page.locator('.detections a').waitFor()
    t.match(await words(page, 'h1'), 'ci-runner-0 is guessing passwords')
    stopping.abort()
    await running
  })

  t.test('a link to a detection works, also when it is older than what the page keeps', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await attack(loop)
    for (let index = 0; index < 250; index++) await loop.emit({ type: 'detection', detection: guessing(loop.now(), { id: `later-${index}`, phase: 'closed' }) })
    const { page } = await visit(t, browser, `${urls.dashboard}/#/detections/det-guess-1`)
    await page.locator('.trail').waitFor()
    t.match(await words(page, '.mitigation'), 'mit-guess-1')
  })

  t.test('the documentation draws itself under its own policy', async (t) => {
    const { urls } = await stage(t, { pageFolder })
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
    await page.goto(`${urls.api}/docs`)
    await page.locator('.opblock').first().waitFor({ timeout: 30_000 })
    t.strictSame(complaints, [])
  })
})
