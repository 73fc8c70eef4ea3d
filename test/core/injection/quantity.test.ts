import t from 'tap'
import { canonicalQuantity, parseQuantity } from '../../../src/core/injection/quantity.ts'

// The texts on the right are what kube-apiserver 1.34 stores for those on the left (test/real/injection.test.ts asks it).
for (const [written, stored] of [
  ['1', '1'], ['1000m', '1'], ['0.5', '500m'], ['0.0005', '1m'], ['1.5', '1500m'], ['10', '10'], ['1000', '1k'], ['128Mi', '128Mi'], ['0.5Gi', '512Mi'], ['1024Mi', '1Gi'], ['1.5Ki', '1536'],
  ['0.5Ki', '512'], ['200M', '200M'], ['1000000', '1M'], ['1234567', '1234567'], ['0', '0'], ['0Mi', '0'], ['1024Ki', '1Mi'],
] as const) {
  t.test(`${written} is stored as ${stored}`, async (t) => {
    t.equal(canonicalQuantity(written), stored)
    t.equal(canonicalQuantity(stored), stored)
  })
}

t.test('quantities compare by their value, exactly', async (t) => {
  t.equal(parseQuantity('1Gi'), parseQuantity('1024Mi'))
  t.ok((parseQuantity('1G') ?? 0n) < (parseQuantity('1Gi') ?? 0n))
  t.equal(parseQuantity('0.1'), 100n)
})

for (const text of ['', 'x', '-1', '1e3', '1 Gi', '1.', '.5', '1Ti', '1'.repeat(40)]) {
  t.test(`"${text}" is no quantity`, async (t) => { t.equal(parseQuantity(text), null) })
}
