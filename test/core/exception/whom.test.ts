import t from 'tap'
import { readWhom, whomWords } from '../../../src/core/exception/whom.ts'

const TABLE = [
  ['shop/db-0', { namespace: 'shop', name: 'db-0' }, 'shop/db-0'],
  ['shop/*', { namespace: 'shop' }, 'shop/*'],
  ['shop/app=web', { namespace: 'shop', labels: { app: 'web' } }, 'shop/* app=web'],
  ['app.kubernetes.io/name=web', { labels: { 'app.kubernetes.io/name': 'web' } }, 'app.kubernetes.io/name=web'],
  ['shop/app.kubernetes.io/name=web', { namespace: 'shop', labels: { 'app.kubernetes.io/name': 'web' } }, 'shop/* app.kubernetes.io/name=web'],
  ['10.0.0.7', { cidr: '10.0.0.7/32' }, '10.0.0.7/32'],
  ['10.1.0.0/16', { cidr: '10.1.0.0/16' }, '10.1.0.0/16'],
  ['fd00::1', { cidr: 'fd00::1/128' }, 'fd00::1/128'],
] as const

t.test('a text names a pod, a namespace, pods by a label or addresses, and is told again as such', (t) => {
  for (const [text, whom, words] of TABLE) {
    t.strictSame(readWhom(text), whom, text)
    t.equal(whomWords(whom), words)
  }
  for (const nobody of ['', 'db-0', 'shop/', '/db-0']) t.equal(readWhom(nobody), null, nobody)
  t.equal(whomWords(undefined), 'any')
  t.end()
})
