import { type Finding, ok, problem, warning } from './finding.ts'

/** What lies in the Secret of the webhook's serving pair, and what is registered. */
export interface CertificateFacts {
  readonly secret: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** The name by which the API server calls. */
  readonly name: string
  readonly carriesName: boolean
  readonly keyFits: boolean
  /** Configurations whose caBundle does not verify the certificate. */
  readonly disbelieving: readonly string[]
  /** When the first of the trusted authorities ends. */
  readonly authorityEndsMs: number
}

const CHECK = 'Certificates'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The serving pair is renewed at two thirds of its life; here it is late. */
const LATE = 0.9
/** A new authority is made 30 days before the old one ends. */
const AUTHORITY_LATE_MS = 7 * DAY_MS

export function checkCertificates (facts: CertificateFacts | string, nowMs: number): readonly Finding[] {
  if (typeof facts === 'string') return [problem(CHECK, facts, 'Look at the controller\'s log: it issues the pair. Deleting the Secret has it made anew.')]
  const { secret, notBeforeMs, notAfterMs, name, carriesName, keyFits, disbelieving, authorityEndsMs } = facts
  const renew = `Look at the controller's log: it renews the pair; deleting Secret ${secret} has it made anew.`
  const findings = [
    ...(nowMs > notAfterMs ? [problem(CHECK, `The webhook's certificate ended at ${iso(notAfterMs)}: the API server does not believe it, and pods start without an observer.`, renew)] : []),
    ...(nowMs < notBeforeMs ? [problem(CHECK, `The webhook's certificate begins only at ${iso(notBeforeMs)}.`, `Look at the clocks. ${renew}`)] : []),
    ...(nowMs <= notAfterMs && nowMs > notBeforeMs + LATE * (notAfterMs - notBeforeMs) ? [warning(CHECK, `The webhook's certificate ends at ${iso(notAfterMs)} and should have been renewed long ago.`, renew)] : []),
    ...(keyFits ? [] : [problem(CHECK, `The key in Secret ${secret} does not fit its certificate.`, renew)]),
    ...(carriesName ? [] : [problem(CHECK, `The webhook's certificate does not carry the name ${name}, by which the API server calls.`, renew)]),
    ...disbelieving.map((configuration) => problem(CHECK, `The caBundle of ${configuration} does not verify the webhook's certificate, so the API server calls nobody.`, 'Look at the controller\'s log: it writes the caBundle. Nothing else may write it.')),
    ...(authorityEndsMs - nowMs < AUTHORITY_LATE_MS ? [warning(CHECK, `An authority that signs for the webhook ends at ${iso(authorityEndsMs)}.`, 'Look at the controller\'s log: it replaces an authority 30 days before its end.')] : []),
  ]
  return findings.length > 0 ? findings : [ok(CHECK, `The webhook's certificate carries ${name}, is believed, and ends in ${span(notAfterMs - nowMs)}; its authority in ${span(authorityEndsMs - nowMs)}.`)]
}

const iso = (ms: number): string => new Date(ms).toISOString()
const span = (ms: number): string => ms >= 2 * DAY_MS ? `${Math.floor(ms / DAY_MS)} days` : `${Math.floor(ms / HOUR_MS)} h`
