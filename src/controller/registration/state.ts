export const REGISTERED = ['mutating', 'validating'] as const
export type Registered = (typeof REGISTERED)[number]

export const REGISTRATION_STATES = ['waiting', 'off', 'registered', 'contested', 'foreign', 'failed'] as const
/**
 * - `waiting`: nothing was changed yet; `why` says for what;
 * - `off`: somebody broke the glass: the annotation on our namespace keeps the webhooks away;
 * - `contested`: somebody else (`by`, a field manager) changes it back again and again;
 * - `foreign`: an object of our name has not our label, so it is left alone.
 */
export type RegistrationState =
  | { readonly kind: 'waiting', readonly why: string }
  | { readonly kind: 'off' }
  | { readonly kind: 'registered' }
  | { readonly kind: 'contested', readonly by: string }
  | { readonly kind: 'foreign', readonly name: string }
  | { readonly kind: 'failed', readonly message: string }
