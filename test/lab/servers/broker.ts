import { program } from '../../setup/tools.ts'
import type { Pod } from '../pod.ts'
import { serve, writeIn } from './serve.ts'

export const BROKER_PORT = 1883

/** An MQTT broker that anybody may publish to. */
export async function startBroker (pod: Pod): Promise<void> {
  const config = writeIn(pod, 'broker.conf', [`listener ${BROKER_PORT} 0.0.0.0`, 'allow_anonymous true', 'persistence false', 'user root', 'log_type error', 'max_keepalive 600'])
  await serve(pod, `${program('mosquitto')} -c ${config}`, BROKER_PORT)
}
