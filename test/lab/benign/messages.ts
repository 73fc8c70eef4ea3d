import { client, forever } from './kind.ts'
import type { Kinds } from './kind.ts'

/** Mail and messages by way of a broker. */
export const MESSAGES: Kinds = {
  mail: {
    service: 'smtp',
    draw: (world) => {
      const server = world.extra('mail')
      if (server === null) return null
      const { random } = world
      const body = `(echo 'Subject: report'; echo; head -c ${random.magnitude(200, 300_000)} /dev/urandom | base64) > letter; curl -s smtp://${server.address} --mail-from shop@outside.lab --mail-rcpt alice@shop.lab -T letter`
      return { name: 'mail', rate: null, pod: client(world, server), command: forever(`for i in $(seq ${random.integer(1, 8)}); do ${body}; done`, random.magnitude(5, 120) / 10) }
    },
  },
  /** Devices that report, each over a connection that stays. */
  sensors: {
    service: 'mqtt',
    draw: (world) => {
      const server = world.extra('broker')
      if (server === null) return null
      const { random } = world
      const one = (number: number) => `(${forever('echo "{\\"value\\": $RANDOM}"', random.magnitude(1, 50) / 10)}) | mosquitto_pub -h ${server.address} -i sensor-${number} -k ${random.integer(5, 60)} -t plant/${number} -l & `
      return { name: 'sensors', rate: null, pod: client(world, server), command: `${Array.from({ length: random.integer(1, 12) }, (_, number) => one(number)).join('')}wait` }
    },
  },
  subscribers: {
    service: 'mqtt',
    draw: (world) => {
      const server = world.extra('broker')
      if (server === null) return null
      const { random } = world
      return { name: 'subscribers', rate: null, pod: client(world, server), command: `for i in $(seq ${random.integer(1, 6)}); do mosquitto_sub -h ${server.address} -t 'plant/#' -k ${random.integer(5, 60)} >/dev/null & done; ${forever(`mosquitto_pub -h ${server.address} -t plant/log -m "$(head -c ${random.magnitude(20, 5000)} /dev/urandom | base64)"`, random.magnitude(2, 60) / 10)}` }
    },
  },
}
