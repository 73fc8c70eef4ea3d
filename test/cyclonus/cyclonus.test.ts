import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { matcherOf } from '../../src/core/kubernetes/label-selector.ts'
import { TRANSPORTS } from '../../src/core/kubernetes/transport.ts'
import type { NamedPort } from '../../src/core/pod.ts'
import type { Reach } from '../../src/core/plan/reach/reach.ts'
import { randomFrom } from '../lab/random.ts'
import { goProgram } from '../setup/go-program.ts'
import { findTool, skipWithout } from '../setup/tools.ts'
import { forCyclonus } from './for-cyclonus.ts'
import { Oracle } from './oracle.ts'
import { randomCluster, randomLabels, randomQuestion, randomSelector } from './random-cluster.ts'
import { reachOf, type RawCluster } from './raw-cluster.ts'

const { missing } = findTool('go')
const skip = skipWithout(missing === undefined ? [] : [missing])
t.setTimeout(1_200_000) // the program is built once, which takes minutes on a busy machine

const CLUSTERS = 100_000
const BATCH = 2_000

interface Asked { readonly cluster: RawCluster, readonly ends: readonly string[], readonly ports: readonly Omit<NamedPort, 'name'>[] }

const question = ({ cluster: { pods, namespaces, policies }, ends, ports }: Asked): object =>
  ({ cluster: { pods, namespaces, policies: forCyclonus(policies) }, sources: ends, destinations: ends, ports })

/** Each flow that the two judge differently, and how many they were asked about. */
function compare ({ cluster, ends, ports }: Asked, answer: string): { compared: number, differences: object[] } {
  const reach = reachOf(cluster)
  const flows = ends.flatMap((source) => ends.flatMap((destination) => ports.map(({ protocol, number }) => ({ source, destination, protocol, port: number }))))
  const judged = flows.map((flow, at) => ({ flow, verdict: reach.verdict(flow), theirs: Number(answer[at]) }))
    // Cyclonus knows neither which pod an address is of nor nodes; that these are always free is held by reach.test.ts.
    .filter(({ verdict: { egress, ingress } }) => ![egress.reason, ingress.reason].some((reason) => reason === 'Itself' || reason === 'OwnNode'))
  const differences = judged.filter(({ verdict, theirs }) => digit(verdict) !== theirs)
  return { compared: judged.length, differences: answer.length === flows.length ? differences : [{ answer, flows: flows.length }] }
}

const digit = ({ egress, ingress }: ReturnType<Reach['verdict']>): number => Number(egress.allowed) + 2 * Number(ingress.allowed)

t.test(`${CLUSTERS} random clusters get cyclonus's verdicts`, { skip }, async (t) => {
  await using oracle = new Oracle(await goProgram(join(import.meta.dirname, 'cyclonus-oracle')))
  const askFrom = (first: number): { first: number, batch: Asked[], asking: Promise<string[]> } => {
    const batch = Array.from({ length: BATCH }, (_, at): Asked => {
      const random = randomFrom(`cluster ${first + at}`)
      const cluster = randomCluster(random)
      return { cluster, ...randomQuestion(random, cluster) }
    })
    return { first, batch, asking: oracle.ask(batch.map(question)) }
  }
  let [compared, denied] = [0, 0]
  let next: ReturnType<typeof askFrom> | null = askFrom(0)
  while (next !== null) {
    const { first, batch, asking }: ReturnType<typeof askFrom> = next
    const answers = await asking
    // Cyclonus judges the next batch while this one is compared.
    next = first + BATCH < CLUSTERS ? askFrom(first + BATCH) : null
    for (const [at, asked] of batch.entries()) {
      const answer = answers[at] ?? ''
      const { compared: some, differences } = compare(asked, answer)
      compared += some
      denied += answer.replaceAll('3', '').length
      if (differences.length > 0) {
        t.strictSame(differences.slice(0, 3), [], `cluster ${first + at}: ${JSON.stringify(asked.cluster)}`)
        return
      }
    }
  }
  t.comment(`${compared} verdicts compared, ${denied} of all denied`)
  t.ok(compared > 40 * CLUSTERS && denied > 10 * CLUSTERS, 'and both verdicts are common')
})

t.test('the cases of cyclonus generate get its verdicts', { skip }, async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'cyclonus-oracle'))
  const { stdout } = await promisify(execFile)(program, ['cases'], { maxBuffer: 64 * 1024 * 1024 })
  const cases = stdout.trim().split('\n').map((line) => JSON.parse(line) as { name: string, cluster: Omit<RawCluster, 'nodes'> })
  await using oracle = new Oracle(program)
  const ports = TRANSPORTS.flatMap((protocol) => [53, 79, 80, 81, 82, 7981].map((number) => ({ protocol, number })))
  const asked = cases.map(({ cluster }): Asked => ({ cluster: { ...cluster, nodes: [] }, ends: [...cluster.pods.flatMap(({ addresses }) => addresses), '203.0.113.9'], ports }))
  const answers = await oracle.ask(asked.map(question))
  t.ok(cases.length >= 256)
  for (const [at, { name }] of cases.entries()) {
    const one = asked[at]
    if (one !== undefined) t.strictSame(compare(one, answers[at] ?? '').differences.slice(0, 3), [], name)
  }
})

t.test('selectors match as Kubernetes\' own library says, and cyclonus differs where it is known to', { skip }, async (t) => {
  await using oracle = new Oracle(await goProgram(join(import.meta.dirname, 'cyclonus-oracle')))
  const random = randomFrom('selectors')
  const asked = Array.from({ length: 10_000 }, () => ({ selector: randomSelector(random), labels: Array.from({ length: 5 }, () => randomLabels(random)) }))
  const answers = await oracle.ask(asked)
  const differing = new Set<string>()
  for (const [at, { selector, labels }] of asked.entries()) {
    const matches = matcherOf(selector)
    for (const [which, some] of labels.entries()) {
      const answer = Number(answers[at]?.[which])
      if (matches(some) !== (answer % 2 === 1)) t.fail(`${JSON.stringify(selector)} on ${JSON.stringify(some)}`)
      if (answer === 1) differing.add((selector.matchExpressions ?? []).some(({ operator, key }) => operator === 'NotIn' && !Object.hasOwn(some, key)) ? 'NotIn without the label' : JSON.stringify({ selector, some }))
      if (answer === 2) differing.add(Object.entries(selector.matchLabels ?? {}).some(([key, value]) => value === '' && !Object.hasOwn(some, key)) ? 'an empty value without the label' : JSON.stringify({ selector, some }))
    }
  }
  t.strictSame([...differing].sort(), ['NotIn without the label', 'an empty value without the label'])
})
