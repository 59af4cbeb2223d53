import type { Command } from 'commander'
import { createToken, SCOPES } from '../../core/runtime/tokens.ts'
import type { Io } from '../io.ts'
import { UserError } from '../user-error.ts'

export function registerToken(program: Command, io: Io): void {
  program
    .command('token')
    .description('make the tokens that agents and readers show')
    .command('create')
    .description('print a new token, and what to put into the configuration for it')
    .requiredOption('-n, --name <name>', 'whose token it is')
    .requiredOption('-s, --scope <scope...>', `what it may do: ${SCOPES.join(', ')}`)
    .option('--json', 'for programs')
    .action(({ name, scope, json }: { name: string; scope: string[]; json?: boolean }) => {
      const wrong = scope.filter((given) => !SCOPES.some((known) => known === given))
      if (wrong.length > 0)
        throw new UserError(`no such scope: ${wrong.join(', ')}; there are ${SCOPES.join(', ')}`)
      const { token, hash } = createToken()
      if (json === true) io.print(JSON.stringify({ name, scopes: scope, token, hash }))
      else io.print(explain(name, scope, token, hash, io))
    })
}

function explain(name: string, scopes: readonly string[], token: string, hash: string, io: Io): string {
  return `${io.bold(token)}
  Give this to ${name}. It is shown only now; what is kept is its hash.

Put this into the configuration:
http:
  tokens:
    - name: ${JSON.stringify(name)}
      hash: ${hash}
      scopes: [${scopes.join(', ')}]`
}
