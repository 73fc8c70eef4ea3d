import { AxeBuilder } from '@axe-core/playwright'
import t from 'tap'
import { AT, good, madePolicy } from '../../core/rollout/made-policy.ts'
import { findTool, skipWithout } from '../../setup/tools.ts'
import { stage } from '../stage.ts'
import { builtPage, launch, visit, words } from './browser.ts'

const chromium = findTool('chromium')
const skip = skipWithout(chromium.missing === undefined ? [] : [chromium.missing])

t.setTimeout(300_000) // a browser on a busy machine

t.test('of each mesh policy it says where it is, what the next step needs and has, why it is held and how it came there', { skip, timeout: 300_000 }, async (t) => {
  const pageFolder = await builtPage(t)
  const browser = await launch(t)
  const { loop, urls } = await stage(t, { pageFolder })
  const history = [{ at: AT, actor: 'autoshield', from: 'shadow', to: 'canary 10 %', reason: 'EvidenceSuffices', message: '5000 legitimate connections' }] as const
  const canary = madePolicy({ stage: 'canary', share: 10, evidence: good({ inSync: 9 }), history: [...history] }, { scope: { namespaces: ['shop'], labels: { app: 'db' } }, target: 'canary' })
  await loop.emit({ type: 'rollout', name: 'careful', policy: canary })
  const { page, complaints } = await visit(t, browser, `${urls.dashboard}/#/rollouts`)
  await page.locator('.rollout').waitFor()
  t.match(await words(page, '.rollout'), /careful canary 10 % In front of pods with app=db in shop: Port scan denied\./)
  t.equal(await words(page, '.ladder [aria-current=step] .name'), 'canary 10 %')
  t.strictSame(await page.locator('.ladder .name').allInnerTexts(), ['observe', 'shadow', 'canary 10 %', 'canary 50 %', 'enforce'])
  t.match(await words(page, '.ladder li:last-child'), 'not asked for')
  t.match(await words(page, '.rollout'), /Before canary 50 %: 8 of 9 met Proxies in sync: not met 9 of 10 have taken/)
  t.match(await words(page, 'details'), /shadow → canary 10 % autoshield: EvidenceSuffices 5000 legitimate connections/)

  const hold = { by: 'autoshield', reason: 'BudgetSpent', message: '9 attempts of legitimate sources would have been stopped.', at: AT } as const
  await loop.emit({ type: 'rollout', name: 'careful', policy: { ...canary, status: { ...canary.status, stage: 'shadow', share: 0, evidence: good({ others: { stopped: 9 } }), hold } } })
  await page.locator('.rollout.hold').waitFor()
  t.match(await words(page, '.rollout .problem'), /Held by autoshield since .* BudgetSpent 9 attempts of legitimate sources/)
  t.match(await words(page, '.gates .failed'), 'Legitimate traffic passes: not met 9 legitimate attempts stopped or to be stopped, at most 5 may be')
  t.match(await words(page, '.rollout'), /autoshield rollout resume careful/)
  if (process.env['LOOK'] !== undefined) await page.screenshot({ path: process.env['LOOK'], fullPage: true })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await new AxeBuilder({ page }).analyze()
    t.strictSame(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], colorScheme)
  }
  await page.setViewportSize({ width: 390, height: 844 })
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= 390'))

  await loop.emit({ type: 'rollout', name: 'careful', policy: null })
  await page.locator('main .empty', { hasText: 'There is no mesh policy' }).waitFor()
  t.strictSame(complaints, [])
})
