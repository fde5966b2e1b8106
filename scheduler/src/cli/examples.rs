//! Examples: what `--help` shows below each command. A test parses every one of them.

use clap::{Command, CommandFactory};

use super::Cli;

/// A command's path and its examples, a line each; what stands after `#` explains.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "demo",
        "scheduler demo\nscheduler demo --days 7 --keep        # goes on serving: look around from a second terminal",
    ),
    ("status", "scheduler status\nscheduler status -o json"),
    (
        "entities",
        "scheduler entities\nscheduler entities --connector quickbooks -o csv",
    ),
    (
        "migrate",
        "scheduler migrate                     # safe from several places at once",
    ),
    (
        "backup",
        "scheduler backup ledgerfleet-2026-06-30.db\nscheduler backup /mnt/backup/books.db -o json",
    ),
    (
        "completions",
        "scheduler completions bash > ~/.local/share/bash-completion/completions/scheduler",
    ),
    (
        "trigger add",
        "scheduler trigger add --at 2099-03-04T23:07 --zone America/Guayaquil -- sync --connection acme --full\n\
         scheduler trigger add --cron @daily --zone America/Guayaquil -- backfill --connection all --entity all --from -30d --to today",
    ),
    ("trigger list", "scheduler trigger list -o json"),
    (
        "trigger cancel",
        "scheduler trigger cancel 0197a2b4-6f7e-7c1d-9b3a-2d4e5f607182",
    ),
    (
        "quota",
        "scheduler quota\nscheduler quota --connection acme --month 2026-06 -o json",
    ),
    ("key rotate", "scheduler key rotate"),
    ("man", "scheduler man /usr/local/share/man/man1"),
    (
        "connection add quickbooks",
        "scheduler connection add quickbooks --name acme --realm 9130347 --refresh-token-file token.txt --environment production",
    ),
    (
        "connection add contifico",
        "scheduler connection add contifico --name tienda --api-key-file key.txt",
    ),
    ("connection list", "scheduler connection list"),
    ("connection show", "scheduler connection show acme -o json"),
    (
        "connection test",
        "scheduler connection test acme\nscheduler connection test acme --wait     # also where Redis was just started",
    ),
    (
        "connection set",
        "scheduler connection set acme --name acme-inc           # its books, coverage and history stay with it",
    ),
    (
        "connection purge",
        "scheduler connection purge --yes            # the records of removed companies",
    ),
    (
        "connection remove",
        "scheduler connection remove acme           # its records are kept",
    ),
    (
        "backfill",
        "scheduler backfill --connection acme --entity all --from 2026-01 --to 2026-06 --dry-run\n\
         scheduler backfill --connection acme --entity invoice,bill --from 2026-05 --to 2026-05\n\
         scheduler backfill --connection all --entity all --from -30d --to today --wait\n\
         scheduler backfill --connection acme --entity invoice --from 2015-01 --to today --segment month",
    ),
    (
        "sync",
        "scheduler sync --connection acme\n\
         scheduler sync --connection acme --entity invoice --since 2026-06-01T00:00:00Z --wait\n\
         scheduler sync --connection all --full",
    ),
    ("sync status", "scheduler sync status --connection acme"),
    ("run list", "scheduler run list"),
    (
        "run show",
        "scheduler run show last\nscheduler run show 0192f0c1 -o json       # the beginning of its id",
    ),
    ("run watch", "scheduler run watch last"),
    ("run pause", "scheduler run pause 0192f0c1"),
    ("run resume", "scheduler run resume last"),
    ("run cancel", "scheduler run cancel last"),
    (
        "records",
        "scheduler records --connection acme --entity invoice --from 2026-05 --to 2026-05\n\
         scheduler records --connection acme --entity invoice --id 1038       # with its payload\n\
         scheduler records --connection acme --entity invoice --quarantined",
    ),
    (
        "connection authorize",
        "scheduler connection authorize --name acme\n\
         scheduler connection authorize --name acme --redirected-to 'http://localhost:8400/…'   # without a browser here",
    ),
    ("connection pause", "scheduler connection pause acme"),
    ("connection resume", "scheduler connection resume acme"),
    (
        "coverage",
        "scheduler coverage --connection acme\n\
         scheduler coverage --gaps --exit-code       # for gates: 1 if anything is missing\n\
         scheduler coverage --connection acme --entity invoice --from 2026-01 --to today --gaps",
    ),
    (
        "dlq list",
        "scheduler dlq list --group                  # the causes\nscheduler dlq list --connection acme --from -7d",
    ),
    ("dlq show", "scheduler dlq show last"),
    (
        "dlq replay",
        "scheduler dlq replay --reason upstream_error --dry-run\n\
         scheduler dlq replay --run last --canary 5\n\
         scheduler dlq replay --all --rate 60/min",
    ),
    ("dlq replays", "scheduler dlq replays"),
    ("dlq drop", "scheduler dlq drop --reason not_found --dry-run"),
    (
        "verify",
        "scheduler verify --connection acme --entity all --from 2026-01 --to today\n\
         scheduler verify --connection acme --entity invoice --from -30d --to today --strict    # for gates\n\
         scheduler verify --connection acme --entity invoice --from 2026-05 --to 2026-05 --fix --wait",
    ),
    (
        "model refresh",
        "scheduler model refresh\nscheduler model refresh --full        # also what is as it should be\nscheduler model refresh --typed       # and copies for who queries often",
    ),
    (
        "model notes",
        "scheduler model notes --connection acme\nscheduler model notes --exit-code      # for gates",
    ),
    ("model grant", "scheduler model grant ledgerfleet_reader"),
    (
        "model dictionary",
        "scheduler model dictionary > dictionary.md\nscheduler model dictionary -o csv",
    ),
    (
        "api-key create",
        "scheduler api-key create --name airflow --scope read,run --expires 90d\n\
         scheduler api-key create --name auditor --scope read --connection acme",
    ),
    ("api-key list", "scheduler api-key list"),
    (
        "api-key revoke",
        "scheduler api-key revoke airflow\nscheduler api-key revoke 0197a2b4",
    ),
    (
        "audit",
        "scheduler audit\nscheduler audit --since 2026-03-05T04:07:00Z --limit 1000",
    ),
    (
        "serve",
        "scheduler serve\nscheduler serve --listen 127.0.0.1:9000\n\
         scheduler serve --listen 0.0.0.0:8400 --tls-cert chain.pem --tls-key key.pem",
    ),
    ("doctor", "scheduler doctor"),
    ("config show", "scheduler config show --origin"),
    ("key generate", "scheduler key generate > master.key"),
];

/// The command line, with its examples.
pub(crate) fn command() -> Command {
    with_examples(Cli::command(), "")
}

fn with_examples(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    let command = names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim_start().to_owned();
        command.mut_subcommand(name, |inner| with_examples(inner, &path))
    });
    match EXAMPLES.iter().find(|(known, _)| *known == path) {
        Some((_, examples)) => command.after_help(shown(examples)),
        None => command,
    }
}

fn shown(examples: &str) -> String {
    let lines: Vec<String> = examples.lines().map(|line| format!("  {line}")).collect();
    format!("Examples:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all commands that do something.
    fn leaves(command: &Command, path: &str) -> Vec<String> {
        let inner: Vec<&Command> = command
            .get_subcommands()
            .filter(|inner| inner.get_name() != "help")
            .collect();
        if inner.is_empty() {
            return vec![path.to_owned()];
        }
        let of = |inner: &&Command| leaves(inner, format!("{path} {}", inner.get_name()).trim_start());
        let own = (!path.is_empty() && !command.is_subcommand_required_set()).then(|| path.to_owned());
        own.into_iter().chain(inner.iter().flat_map(of)).collect()
    }

    #[test]
    fn every_command_has_examples_and_each_of_them_is_understood() {
        for path in leaves(&Cli::command(), "") {
            let found = EXAMPLES.iter().find(|(known, _)| *known == path);
            let (_, examples) = found.unwrap_or_else(|| panic!("no example of `{path}`"));
            for example in examples.lines() {
                let line = example.split(['#', '>']).next().unwrap_or_default();
                assert!(line.starts_with(&format!("scheduler {path}")), "{line}");
                let parsed = command().try_get_matches_from(line.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
        }
    }
}
