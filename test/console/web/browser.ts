import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { build } from 'vite'
import { findTool } from '../../setup/tools.ts'

/** The page, built from its sources as they are now, in a folder of the test's own. */
export async function builtPage (t: Test): Promise<string> {
  const outDir = t.testdir({})
  const configFile = new URL('../../../src/console/web/vite.config.ts', import.meta.url).pathname
  await build({ configFile, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  return outDir
}

export async function launch (t: Test): Promise<Browser> {
  const executablePath = findTool('chromium').path ?? ''
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] }) // the sandbox cannot start as root in a container
  t.teardown(() => browser.close())
  return browser
}

export interface Visit {
  readonly page: Page
  /** What the page complained about: errors, refusals of its Content-Security-Policy. */
  readonly complaints: string[]
  /** Requests that left the console's own origin. */
  readonly strayed: string[]
}

/** A fresh page in a profile of its own, with everything that goes wrong in it written down. */
export async function visit (t: Test, browser: Browser, base: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const complaints: string[] = []
  const strayed: string[] = []
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text()) })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => { if (!request.url().startsWith(base) && !request.url().startsWith('data:')) strayed.push(request.url()) })
  await page.goto(base)
  await page.locator('.link.live').waitFor()
  return { page, complaints, strayed }
}

/** The words of an HTML element as a person reads them. */
export const words = async (page: Page, selector: string): Promise<string> => (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ').trim()

/** Moves the focus by Tab until it is on an element that `is` accepts; false when it came round without one. */
export async function tabTo (page: Page, selector: string): Promise<boolean> {
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press('Tab')
    if (await page.locator(`${selector}:focus`).count() === 1) return true
  }
  return false
}
