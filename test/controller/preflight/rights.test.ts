import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { ACCOUNT_RIGHTS } from '../../../src/core/preflight/rights.ts'

interface Rule { readonly apiGroups?: readonly string[], readonly resources?: readonly string[], readonly resourceNames?: readonly string[], readonly verbs: readonly string[] }
interface Role { readonly kind: string, readonly metadata: { readonly name: string }, readonly rules?: readonly Rule[] }

t.test('check asks for no right that the chart does not grant', async (t) => {
  const template = readFileSync(new URL('../../../deploy/chart/templates/rbac.yaml', import.meta.url), 'utf8').replace(/\{\{-? range[^]*$/, '').replaceAll(/\{\{[^}]*\}\}/g, '')
  const roles = parseAllDocuments(template).map((document) => document.toJS() as Role | null).filter((role) => role !== null)
  const granted = new Set(roles.flatMap(({ kind, metadata, rules = [] }) => rules.flatMap(({ apiGroups = [], resources = [], resourceNames = [''], verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => resourceNames.flatMap((name) => verbs.map((verb) => `${metadata.name.replace(/-$/, '')} ${kind === 'Role' ? 'own' : 'cluster'} ${verb} ${group}/${resource}/${name}`)))))))
  t.ok(granted.size > 10)
  const asked = Object.entries(ACCOUNT_RIGHTS).flatMap(([account, rights]) => rights.flatMap(({ group, resource, name = '', verbs, where }) => verbs.map((verb) => `${account} ${where} ${verb} ${group}/${resource}/${name}`)))
  t.same(asked.filter((right) => !granted.has(right)), [])
})
