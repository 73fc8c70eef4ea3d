import t from 'tap'
import catalogue from './tools.json' with { type: 'json' }
import { findTool, program, skipWithout } from './tools.ts'

t.test('a tool is either found or named with the command that brings it', (t) => {
  t.match(findTool('node').path ?? findTool('sh').path, /\/(node|sh)$/)
  t.match(findTool('no-such-tool').missing, /^no-such-tool is missing .*node test\/setup\/install\.mjs/)
  t.throws(() => program('no-such-tool'), /no-such-tool is missing/)
  for (const [name, { requirement }] of Object.entries(catalogue.python)) {
    const tool = findTool(name)
    t.ok(tool.path === undefined ? tool.missing.includes(requirement) : tool.path.endsWith(name), name)
  }
  t.end()
})

t.test('what is missing skips a test here and fails it in CI', (t) => {
  const ci = process.env['CI']
  t.teardown(() => { if (ci === undefined) delete process.env['CI']; else process.env['CI'] = ci })
  process.env['CI'] = 'true'
  t.equal(skipWithout([]), false)
  t.throws(() => skipWithout(['x is missing']), /CI has to run every test, but: x is missing/)
  delete process.env['CI']
  t.equal(skipWithout(['x is missing', 'y is missing']), 'x is missing; y is missing')
  t.end()
})
