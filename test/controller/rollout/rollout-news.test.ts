import t from 'tap'
import { RolloutNews } from '../../../src/controller/rollout/rollout-news.ts'
import { madePolicy } from '../../core/rollout/made-policy.ts'

t.test('a policy is told when it comes, changes and goes, and not in between', async (t) => {
  const news = new RolloutNews()
  const policy = madePolicy()
  t.strictSame(news.of([policy]), [{ type: 'rollout', name: 'careful', policy }])
  t.strictSame(news.of([structuredClone(policy)]), [], 'another object of the same content is no news')
  const shadow = madePolicy({ stage: 'shadow' })
  t.strictSame(news.of([shadow]), [{ type: 'rollout', name: 'careful', policy: shadow }])
  t.strictSame(news.of([]), [{ type: 'rollout', name: 'careful', policy: null }])
  t.strictSame(news.of([]), [])
})
