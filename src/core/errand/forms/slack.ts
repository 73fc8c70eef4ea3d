import type { Notice } from '../notice.ts'

/** What Slack's incoming webhooks take, and Mattermost's and others like them. `<`, `>` and `&` would be read as links and mentions. */
export function slackMessage ({ rule, severity, text, detection }: Notice): object {
  const { class: className, confidence, source, target, id, technique } = detection
  const ends = `${nameOf(source, 'any source')} to ${nameOf(target, 'any destination')}`
  const lines = [
    `*${severity.toUpperCase()}: ${className}*, ${ends}, confidence ${confidence.toFixed(2)}`,
    text,
    `rule ${rule}, detection ${id}${technique === null ? '' : `, ATT&CK ${technique}`}`,
  ]
  return { text: lines.map(escaped).join('\n') }
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const nameOf = (end: Notice['detection']['source'], none: string): string =>
  end === null ? none : end.name === undefined ? end.address : `${end.namespace ?? ''}/${end.name} (${end.address})`
