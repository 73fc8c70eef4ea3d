import { AxeBuilder } from '@axe-core/playwright'
import t from 'tap'
import { decided, guessing, quiet } from '../scenes.ts'
import { stage } from '../stage.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { builtPage, launch, visit, words } from './browser.ts'

const chromium = findTool('chromium')
const skip = skipWithout(chromium.missing === undefined ? [] : [chromium.missing])
const SHOTS = process.env['SHOTS'] // a folder to look at them in

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
