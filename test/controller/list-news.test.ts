import t from 'tap'
import { ListNews } from '../../src/controller/list-news.ts'

t.test('each list that is another one is told once, and all of them at first', (t) => {
  const news = new ListNews()
  const now = { errands: 1, exceptions: [{ name: 'a', until: 1 }], 'threat-policies': [], protected: [], leadership: null, marks: 0, safety: null, models: null }
  t.strictSame(news.of(now).map(({ list }) => list), ['errands', 'exceptions', 'threat-policies', 'protected', 'leadership', 'marks', 'safety', 'models'])
  t.strictSame(news.of({ ...now, exceptions: [{ name: 'a', until: 1 }] }), [], 'equal parts are the same list')
  t.strictSame(news.of({ ...now, errands: 2, exceptions: [{ name: 'a', until: 2 }] }), [{ type: 'changed', list: 'errands' }, { type: 'changed', list: 'exceptions' }])
  t.strictSame(news.of({ ...now, errands: 2, exceptions: [{ name: 'a', until: 2 }] }), [])
  t.end()
})
