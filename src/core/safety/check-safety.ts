import type { SafetyRequest, SafetyResult, SafetySettings, SafetyState } from './safety.ts'

export declare function checkSafety (state: SafetyState, request: SafetyRequest, settings: SafetySettings, nowMs: number): SafetyResult
