import { finding, type Rule } from '../change.ts'
import { textAt, textsAt, valueAt, isSame } from '../field.ts'

/** A person, or a program, at work inside a pod. Of a command only the program is told: its arguments may be secrets. */
export const podCalls: Rule = ({ operation, plural, subresource, namespace, name, before, after }) => {
  if (plural !== 'pods') return []
  const pod = `pod ${namespace}/${name}`
  const container = textAt(after, 'container')
  const place = container === '' ? pod : `container ${container} of ${pod}`
  if (operation === 'CONNECT' && subresource === 'exec') {
    const [program] = textsAt(after, 'command')
    return [finding('PodExec', `${program === undefined ? 'a command' : `\`${program}\``} is run in ${place}: make sure that this is somebody's work and not an attacker's.`)]
  }
  if (operation === 'CONNECT' && subresource === 'attach') return [finding('PodAttach', `somebody attaches to ${place}: make sure that this is somebody's work and not an attacker's.`)]
  if (operation === 'CONNECT' && subresource === 'portforward') return [finding('PodPortForward', `a tunnel is opened into ${pod}: no NetworkPolicy sees what goes through it.`)]
  const containers = ['spec', 'ephemeralContainers']
  if (operation === 'UPDATE' && subresource === 'ephemeralcontainers' && !isSame(valueAt(before, ...containers), valueAt(after, ...containers))) {
    return [finding('PodDebug', `spec.ephemeralContainers: a container is added to running ${pod}, and stays until the pod ends: delete the pod when the work is done.`)]
  }
  return []
}
