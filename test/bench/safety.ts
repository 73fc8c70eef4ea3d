import type { Pod } from '../../src/core/pod.ts'
import { checkSafety } from '../../src/core/safety/check-safety.ts'
import type { SafetyRequest } from '../../src/core/safety/safety.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../src/core/safety/settings.ts'
import { EMPTY_SAFETY_STATE, type SafetyState } from '../../src/core/safety/state.ts'
import { withCooldown } from '../../src/core/safety/ledger.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'

const ROUNDS = 9
const ASKED = 20_000
const COOLING = 1_000
const NOW_MS = 1_800_000_000_000

const pod = (at: number): Pod => ({ uid: `u${at}`, namespace: `n${at % 50}`, name: `web-${at}`, addresses: [`10.0.${at >> 8}.${at & 255}`], labels: { app: 'web' }, node: 'n1', workload: 'Deployment/web', ready: true })

function request (at: number): SafetyRequest {
  const subject = pod(at % 5_000)
  return {
    rule: `rule-${at % 20}`,
    source: subject.addresses[0] ?? '',
    target: `10.9.0.${at % 200}`,
    action: at % 3 === 0 ? 'pod_isolation' : 'network_policy',
    actionIndex: 0,
    subject,
    evidence: { completedHandshake: true, confirmedByOwnObserver: true, standsForMany: false },
    cannotEnforce: null,
    nodeNeeded: null,
    blastRadius: [subject, pod(at % 4_999)],
    blastRadiusLimit: 5,
    protectedBy: null,
    workloads: [{ workload: 'n1/Deployment/web', ready: 10, restricted: 1, more: 1 }],
    traffic: { namespace: 'n1', seen: 900, cut: 20 },
    window: null,
    approval: 'unneeded',
    unfamiliar: null,
    cooldownSeconds: 300,
    answeredByPairs: null,
    mitigatedBy: null,
    simulatedEvidence: false,
  }
}

/** Decisions in a second of one core's time, each with all its checks, while a thousand cooldowns run; beside writing the same requests as JSON. */
export async function safetyFigures (): Promise<Figure[]> {
  const settings = { ...DEFAULT_SAFETY_SETTINGS, actuationEnabled: true, actionsPerMinute: 10, budgets: { rule: 6, target: 6, source: 6 } }
  const requests = Array.from({ length: ASKED }, (_, at) => request(at))
  const cooling = Array.from({ length: COOLING }, (_, at) => at).reduce((ledger, at) => withCooldown(ledger, `cooling-${at}`, NOW_MS + 100_000 + at, settings), EMPTY_SAFETY_STATE.enforced)
  const perSecond = (work: () => void): number => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return ASKED / (user + system) * 1e6
  }
  const rounds = Array.from({ length: ROUNDS }, () => {
    let state: SafetyState = { ...EMPTY_SAFETY_STATE, enforced: cooling }
    const decisions = perSecond(() => requests.forEach((one, at) => { state = checkSafety(state, one, settings, NOW_MS + at).state }))
    const texts = perSecond(() => requests.forEach((one) => JSON.stringify(one)))
    return { decisions, texts }
  }).slice(1) // the first is the compiler's
  return [{
    name: 'safety.decisions_per_s',
    value: quantile(rounds.map(({ decisions }) => decisions), 0.5),
    unit: 'decisions/s',
    beside: { name: 'the same requests written as JSON', value: quantile(rounds.map(({ texts }) => texts), 0.5) },
    ratio: quantile(rounds.map(({ decisions, texts }) => decisions / texts), 0.5),
  }]
}
