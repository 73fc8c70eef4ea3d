import type { SafetySettings, SafetyState } from './safety.ts'

export declare const EMPTY_SAFETY_STATE: SafetyState
/** Namespaces of the control plane and our own, which no setting can take off the list. */
export declare const DEFAULT_SAFETY_SETTINGS: SafetySettings
/** Tells the breaker how an enforced action ended (all its targets took it, or one refused it). */
export declare function recordOutcome (state: SafetyState, outcome: 'succeeded' | 'failed', settings: SafetySettings, nowMs: number): SafetyState
/** Reads a kept state; anything malformed is null, and the caller says so and starts empty. */
export declare function parseSafetyState (value: unknown): SafetyState | null
