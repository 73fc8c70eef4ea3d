import { LABELS } from '../injection/names.ts'
import { ADMISSION_MODES, type AdmissionMode } from './entry.ts'

/** The mode that a namespace's label asks for; what is no mode, or no label, is `audit`. */
export const modeOf = (labels: Readonly<Record<string, string>>): AdmissionMode =>
  ADMISSION_MODES.find((mode) => mode === labels[LABELS.admission]) ?? 'audit'

/** Whether `after` does less than `before`. */
export const isWeaker = (after: AdmissionMode, before: AdmissionMode): boolean => ADMISSION_MODES.indexOf(after) < ADMISSION_MODES.indexOf(before)
