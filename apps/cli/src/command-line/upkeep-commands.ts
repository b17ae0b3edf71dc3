import { Option, type Command } from 'commander';
import { action, type CommandLine } from './define-command.ts';
import { repeated } from './parse-arguments.ts';

/** `keys`, `config`, `reset`. */
export function registerUpkeepCommands(program: Command, line: CommandLine): void {
  registerKeys(program, line);

  const config = program
    .command('config')
    .description('every setting, its value, and where the value comes from');
  action(config, line, async (context) => (await import('../commands/config.ts')).showConfig(context));

  const reset = program
    .command('reset')
    .description('delete all events and tables; asks first')
    .option('--yes', 'do not ask')
    .option('--keep-keys', 'leave the write keys and the API token');
  action(reset, line, async (context) => {
    const { yes, keepKeys } = reset.opts<{ yes?: boolean; keepKeys?: boolean }>();
    return (await import('../commands/reset.ts')).reset(context, {
      yes: yes === true,
      keepKeys: keepKeys === true,
    });
  });
}

const commands = () => import('../commands/keys.ts');

interface CreateFlags {
  readonly name: string;
  readonly kind: 'browser' | 'server';
  readonly origin?: readonly string[];
}

function registerKeys(program: Command, line: CommandLine): void {
  const keys = program.command('keys').description('write keys: what senders prove themselves with');
  const list = keys.command('list', { isDefault: true }).description('all of them');
  action(list, line, async (context) => (await commands()).listKeys(context));

  const create = keys
    .command('create')
    .description('make one')
    .requiredOption('--name <name>', 'whose it is; events bear it as their source_id')
    .addOption(
      new Option('--kind <kind>', 'browser: public, works from the origins it lists; server: secret')
        .choices(['browser', 'server'])
        .default('server'),
    )
    .option(
      '--origin <origin>',
      'where a browser key works, as https://shop.example; may be repeated',
      repeated,
    );
  action(create, line, async (context) => {
    const { name, kind, origin = [] } = create.opts<CreateFlags>();
    return (await commands()).createKey(context, { name, kind, origins: origin });
  });

  const revoke = keys.command('revoke').argument('<name-or-key>').description('refuse one from now on');
  action(revoke, line, async (context, [nameOrKey = '']) => (await commands()).revokeKey(context, nameOrKey));
}
