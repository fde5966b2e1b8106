//! Session: what every command has at hand.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::{Ledger, LedgerError};
use ledgerfleet_model::{Connection, WorkerName};
use ledgerfleet_process::Stop;
use ledgerfleet_wiring::{Opening, Parts, WiringError, assemble};

use crate::cli::Global;
use crate::exit::Problem;
use crate::output::{Output, Talk};
use crate::running::patience::Patience;

/// Settings, voice and data's way out.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) talk: Talk,
    /// What this process is called where it works or leads, and in its traces.
    pub(crate) name: WorkerName,
    /// Who uses the program, for the audit.
    pub(crate) user: String,
    /// The wish to stop. A command that ends by itself when it is asked to says so: [`Session::heed_signals`].
    pub(crate) stop: Stop,
    pub(crate) opened: Opened,
    answers: Answers,
}

/// The ledgers that a command has opened, to be closed however it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opened(Arc<Mutex<Vec<Arc<dyn Ledger>>>>);

impl Opened {
    fn add(&self, ledger: &Arc<dyn Ledger>) {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(ledger.clone());
    }

    /// Closes them. May be called again, and by several at once.
    pub(crate) async fn close(&self) {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ledger in opened {
            ledger.close().await;
        }
    }
}

/// Who answers questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Yes,
    Person,
    Nobody,
}

/// Why a command that needs companies has none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoiceError {
    #[error("the connections cannot be read")]
    Ledger(#[from] LedgerError),
    #[error("the connections that were asked for are not there")]
    Unknown(#[from] Problem),
}

impl Session {
    pub(crate) fn new(
        settings: Settings,
        output: Output,
        talk: Talk,
        name: WorkerName,
        user: String,
        stop: Stop,
        global: &Global,
    ) -> Self {
        let answers = match (global.yes, global.no_input || !io::stdin().is_terminal()) {
            (true, _) => Answers::Yes,
            (false, true) => Answers::Nobody,
            (false, false) => Answers::Person,
        };
        Self {
            settings,
            output,
            talk,
            name,
            user,
            stop,
            opened: Opened::default(),
            answers,
        }
    }

    /// The same session under other settings.
    #[cfg(feature = "demo")]
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self {
            settings,
            output: self.output.clone(),
            talk: self.talk.clone(),
            name: self.name.clone(),
            user: self.user.clone(),
            stop: self.stop.clone(),
            opened: self.opened.clone(),
            answers: self.answers,
        }
    }

    /// Opens the ledger, which must be there, and composes the parts.
    pub(crate) async fn parts(&self) -> Result<Parts, WiringError> {
        self.assemble(Opening::Existing).await
    }

    /// The same for a command that waits for a run: a fleet's database that stands still is waited for, and it is said.
    pub(crate) async fn parts_patiently(&self) -> Result<Parts, WiringError> {
        match self.settings.shape {
            Shape::Fleet { .. } => {
                Patience::OPENING
                    .with(&self.talk, async || self.parts().await)
                    .await
            }
            Shape::Embedded { .. } => self.parts().await,
        }
    }

    /// Opens the ledger, or makes one, and composes the parts; says what was made on the way.
    pub(crate) async fn parts_or_new(&self) -> Result<Parts, WiringError> {
        self.assemble(Opening::MayCreate).await
    }

    async fn assemble(&self, opening: Opening) -> Result<Parts, WiringError> {
        let parts = assemble(&self.settings, opening).await?;
        self.opened.add(&parts.ledger);
        for notice in &parts.notices {
            self.talk.say(notice);
        }
        Ok(parts)
    }

    /// From now on the command ends by itself when it is asked to stop. Before, a signal ends it where it stands: nothing
    /// of a transaction that is open then is stored.
    pub(crate) fn heed_signals(&self) -> &Stop {
        self.stop.heed()
    }

    /// Goes on only if somebody wants it.
    pub(crate) async fn confirm(&self, question: &str) -> anyhow::Result<()> {
        match self.answers {
            Answers::Yes => Ok(()),
            Answers::Nobody => {
                let what = format!("this needs an answer: {question}");
                Err(Problem::usage(what, "the same command with --yes").into())
            }
            Answers::Person => {
                self.talk.say(format!("{question} [y/N]"));
                let answer = aside(|| {
                    let mut answer = String::new();
                    io::stdin().read_line(&mut answer).map(|_| answer)
                });
                let answer = answer.await?;
                let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
                let refused = || Problem::usage("not done: the answer was no", "the same command with --yes");
                if yes { Ok(()) } else { Err(refused().into()) }
            }
        }
    }
}

/// Reads on a thread that nobody waits for when the program ends: what a person or a pipe has to say may never come.
pub(crate) async fn aside<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || tell.send(read()));
    told.await.map_err(io::Error::other)?
}

/// The company of that name.
pub(crate) async fn connection_named(ledger: &dyn Ledger, name: &str) -> Result<Connection, ChoiceError> {
    let mut all = ledger.connections().await?;
    let at = all.iter().position(|connection| connection.name == name);
    let at = at.ok_or_else(|| unknown_connection(name, &all))?;
    Ok(all.swap_remove(at))
}

/// The companies of those names, each once; `all` stands for all.
pub(crate) async fn connections_named(
    ledger: &dyn Ledger,
    names: &[String],
) -> Result<Vec<Connection>, ChoiceError> {
    if names.iter().any(|name| name.trim().is_empty()) {
        return Err(empty_name(names).into());
    }
    let all = ledger.connections().await?;
    let wants_all = names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    let is_unknown = |name: &&String| {
        !name.eq_ignore_ascii_case("all") && all.iter().all(|connection| connection.name != **name)
    };
    if let Some(name) = names.iter().find(is_unknown) {
        return Err(unknown_connection(name, &all).into());
    }
    if wants_all && all.is_empty() {
        return Err(no_connections().into());
    }
    Ok(all
        .into_iter()
        .filter(|connection| wants_all || names.contains(&connection.name))
        .collect())
}

fn empty_name(names: &[String]) -> Problem {
    let given: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.trim().is_empty())
        .collect();
    let next = if given.is_empty() {
        "--connection NAME, or --connection all".to_owned()
    } else {
        format!("--connection {}", given.join(","))
    };
    Problem::usage("one of the names of --connection is empty", next)
}

fn unknown_connection(name: &str, known: &[Connection]) -> Problem {
    if known.is_empty() {
        return no_connections().because(format!("`{name}` was asked for"));
    }
    let wanted = name.to_lowercase();
    let likeness = |connection: &&Connection| strsim::jaro_winkler(&wanted, &connection.name.to_lowercase());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let next = match best.filter(|connection| likeness(connection) > 0.8) {
        Some(connection) => format!("did you mean `{}`?", connection.name),
        None => "scheduler connection list".to_owned(),
    };
    let names: Vec<&str> = known
        .iter()
        .map(|connection| connection.name.as_str())
        .take(20)
        .collect();
    Problem::usage(format!("there is no connection named `{name}`"), next)
        .because(format!("there are: {}", names.join(", ")))
}

fn no_connections() -> Problem {
    Problem::usage(
        "there are no connections yet",
        "scheduler connection add quickbooks --name NAME --realm ID --refresh-token-file FILE",
    )
}
