import { AxeBuilder } from '@axe-core/playwright'
import t from 'tap'
import { decided, guessing, quiet } from '../scenes.ts'
import { stage } from '../stage.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { builtPage, launch, tabTo, visit, words } from './browser.ts'

const chromium = findTool('chromium')
const skip = skipWithout(chromium.missing === undefined ? [] : [chromium.missing])
const SHOTS = process.env['SHOTS'] // a folder to look at them in

t.setTimeout(300_000) // a browser on a busy machine

t.test('what a person decides on the page', { skip, timeout: 300_000 }, async (t) => {
  const pageFolder = await builtPage(t)
  const browser = await launch(t)
  t.jobs = 1

  t.test('what waits is on the wall, and is answered with a reason and a name', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const now = Date.now()
    const detection = guessing(now)
    await loop.emit({ type: 'detection', detection })
    const held = { ...decided(now), verdict: 'hold', reason: 'ApprovalRequired', message: 'The rule asks that a person agrees.', mitigation: null, approval: { state: 'waiting', deadline: new Date(now + 600_000).toISOString(), then: 'suppress', evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false } } } as const
    for (const id of ['dec-wait-1', 'dec-wait-2']) await loop.emit({ type: 'decision', decision: { ...held, id } })
    const { page, complaints } = await visit(t, browser, urls.dashboard)
    await page.locator('.list-waiting').waitFor()
    t.match(await words(page, '.list-waiting'), /Waits for you 2 .*Waits for a person: \d+:\d\d left, until \d\d:\d\d:\d\d; then nothing is done\./)
    t.strictSame((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/waiting.png` })
    await page.locator('.list-waiting button.approve').first().click()
    t.match(await words(page, 'dialog[open]'), /Safety is asked again with the state of now/)
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/approve.png` })
    await page.getByRole('textbox', { name: 'Why' }).fill('seen it')
    await page.getByLabel('Your name').fill('ada')
    await page.locator('dialog[open] button.primary').click()
    await page.locator('.list-waiting .count', { hasText: '1' }).waitFor()
    await page.locator('.list-waiting button.reject').click()
    await page.getByRole('textbox', { name: 'Why' }).fill('a backup')
    await page.locator('dialog[open] button.primary').click()
    await page.locator('.list-waiting').waitFor({ state: 'detached' })
    t.match(loop.answers.toSorted((one, other) => one.answer < other.answer ? -1 : 1), [{ answer: 'approve', actor: 'console:ada', reason: 'seen it' }, { answer: 'reject', reason: 'a backup' }])
    await page.goto(`${urls.dashboard}/#/detections/${detection.id}`)
    await page.locator('.decisions li').first().waitFor()
    t.match(await words(page, '.decisions'), /approved by console:ada, \d\d:\d\d:\d\d: seen it/)
    t.strictSame(complaints, [])
  })

  t.test('what workloads are known for stands with the models, and is taken back with a reason', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const until = new Date(loop.now() + 86_400_000).toISOString()
    for (const port of [22, 2222]) await loop.baselines.teach({ source: 'ops/StatefulSet/bastion', knownFor: 'sessions', port, amount: 200, until, reason: 'it logs in everywhere' }, 'console:ada')
    const { page, complaints } = await visit(t, browser, `${urls.dashboard}/#/models`)
    const rows = page.getByRole('region', { name: 'Baselines by source and target' }).locator('tbody tr')
    await rows.nth(1).waitFor()
    t.match(await rows.first().innerText(), /ops\/StatefulSet\/bastion\s+any\s+beginning sessions\s+22\s+200\s.*console:ada: it logs in everywhere/s)
    t.strictSame((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/baselines.png`, fullPage: true })
    await rows.first().getByRole('button').click()
    t.match(await words(page, 'dialog[open]'), /known for at this port goes, and is learnt anew/)
    await page.getByRole('textbox', { name: 'Why' }).fill('it was broken into')
    await page.getByLabel('Your name').fill('ada')
    await page.locator('dialog[open] button.primary').click()
    await rows.nth(1).waitFor({ state: 'detached' })
    t.match(loop.baselines.list(null), [{ port: 2222 }])
    t.match(loop.audit.search({ action: 'baseline.forgotten' }), [{ actor: 'console:ada', detail: { why: 'it was broken into', port: 22 } }])
    t.strictSame(complaints, [])
  })

  t.test('a detection is said to be right or a false alarm, with an exception that ends, and counts at once', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const detection = guessing(Date.now())
    await loop.emit({ type: 'detection', detection })
    const { page, complaints } = await visit(t, browser, `${urls.dashboard}/#/detections`)
    await page.locator('article', { hasText: 'No detection of live traffic was marked yet. Open one and say whether it was right' }).waitFor()
    await page.locator('.detections a').first().click()
    await page.locator('.acts', { hasText: 'Nobody has said whether it was right.' }).waitFor()
    await page.locator('button.confirmed').click()
    await page.getByRole('textbox', { name: 'Why' }).fill('the test of Tuesday')
    await page.locator('dialog[open] button.primary').click()
    await page.locator('.said', { hasText: 'confirmed, said console:anonymous' }).waitFor()
    t.ok(await tabTo(page, 'button.false-alarm'), 'by keyboard, too')
    await page.keyboard.press('Enter')
    t.match(await words(page, 'dialog[open]'), /With a time an exception is made: Password guessing by ops\/ci-runner-0 on shop\/db-0, whatever a rule thinks of it, until then\./)
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/mark.png` })
    await page.getByLabel('Let the same be for').selectOption('24')
    await page.getByRole('textbox', { name: 'Why' }).fill('the nightly backup')
    await page.locator('dialog[open] button.primary').click()
    await page.locator('.said', { hasText: 'false alarm, said console:anonymous' }).waitFor()
    t.match(await words(page, '.said'), new RegExp(`: the nightly backup Exception mark-${detection.id} was made with it\\.`))
    t.match(loop.feedback.marks(), [{ verdict: 'false-alarm', exception: `mark-${detection.id}` }])
    await page.goto(`${urls.dashboard}/#/detections`)
    await page.locator('.precision').waitFor()
    t.match(await words(page, '.precision tbody'), /Password guessing shop 0 1 0 % 0 % to 79 %/)
    t.match(await words(page, '.detections .marked'), 'false alarm')
    t.strictSame((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/detections.png` })
    await page.getByRole('link', { name: 'Over' }).click()
    await page.locator('.empty', { hasText: 'None of these.' }).waitFor()
    await page.goto(urls.dashboard)
    await page.locator('.list-detections .marked').waitFor()
    t.strictSame(complaints, [])
  })

  t.test('how much may still be done and whether the circuit is closed stand on one page, and change by themselves', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const { enforced } = loop.safetyState
    for (const [colorScheme, width] of [['light', 1440], ['dark', 390]] as const) {
      loop.safetyState = { ...loop.safetyState, enforced }
      const { page, complaints } = await visit(t, browser, `${urls.dashboard}/#/protected`, { colorScheme, viewport: { width, height: 900 } })
      await page.locator('.health').waitFor()
      t.match(await words(page, '.health'), /Circuit breaker Closed: actions pass\. .* This minute all rules together 0 of 10 By rule No rule acted in the last minute; each may have 6 actions\./)
      const now = Date.now()
      const actions = Array.from({ length: 6 }, (_, at) => ({ atMs: now, rule: 'guess', source: `10.0.4.${at}`, target: '10.0.2.9' }))
      loop.safetyState = { ...loop.safetyState, enforced: { ...enforced, actions, breaker: { state: 'open', untilMs: now + 60_000, openMs: 60_000 } } }
      await loop.emit({ type: 'changed', list: 'safety' })
      await page.locator('.health .failed', { hasText: 'Open for' }).waitFor()
      t.match(await words(page, '.health'), /Open for [01]:\d\d more, until .*: nothing new is done\..* By rule guess 6 of 6 By victim 10\.0\.2\.9 6 of 6 By source 10\.0\.4\.0 1 of 6/)
      t.strictSame((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
      t.ok(await page.evaluate(`document.documentElement.scrollWidth <= ${width}`))
      if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/budgets-${colorScheme}.png`, fullPage: true })
      loop.safetyState = { ...loop.safetyState, enforced: { ...enforced, breaker: { state: 'half-open', trialSinceMs: Date.now(), openMs: 60_000 } } }
      await loop.emit({ type: 'changed', list: 'safety' })
      await page.locator('.health', { hasText: 'Half-open: a trial is under way since' }).waitFor()
      t.strictSame(complaints, [])
    }
  })

  t.test('all actions are stopped by one button, which says so to everybody, and let go on by another', async (t) => {
    const { loop, urls } = await stage(t, { pageFolder })
    await quiet(loop)
    const { page } = await visit(t, browser, urls.dashboard, { viewport: { width: 390, height: 800 } })
    await page.locator('button.panic').click()
    await page.getByRole('textbox', { name: 'Why' }).fill('it cut the shop off')
    await page.getByRole('checkbox').check()
    await page.locator('dialog[open] button.primary').click()
    await page.locator('.halted').waitFor()
    t.match(loop.killSwitch.halt, { by: 'console:anonymous', reason: 'it cut the shop off' })
    t.match(await words(page, 'h1'), /All new actions are stopped by console:anonymous since \d\d:\d\d:\d\d: it cut the shop off\./)
    t.strictSame((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id), [])
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/halted.png` })
    await page.locator('.halted button').first().click()
    await page.getByRole('textbox', { name: 'Why' }).fill('mended')
    await page.locator('dialog[open] button.primary').click()
    await page.locator('button.panic').waitFor()
    t.equal(loop.killSwitch.halt, null)
  })
})
