import { createHmac } from 'node:crypto'

/**
 * The header X-AutoShield-Signature: `t=SECONDS,v1=HEX`, an HMAC-SHA256 over the time, a full stop and the body. A receiver
 * that refuses old times cannot be fed with what somebody recorded.
 */
export function signatureOf (body: string, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}
