import { DEFAULT_SAFETY_FILE, type SafetyFile } from '../core/safety/settings.ts'

/** What the operator decides about the loop; main reads it from flags, files and environment and hands it over. */
export interface ControllerSettings {
  /** Scores under this attack probability are not asked of the detectors. */
  readonly floor: number
  /** ENABLE_ACTUATION and not --simulate: off, everything is decided and nothing done. */
  readonly actuationEnabled: boolean
  /** IANA name of the zone in which conditions read time.*. */
  readonly zone: string
  readonly safety: SafetyFile
  /** How long a pod keeps the label by which a policy selected it when nothing restricts it any more. */
  readonly labelRestMs: number
}

export const DEFAULT_CONTROLLER_SETTINGS: ControllerSettings = { floor: 0.3, actuationEnabled: false, zone: 'UTC', safety: DEFAULT_SAFETY_FILE, labelRestMs: 300_000 }
