//! Session: what every command has at hand.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use ledgerfleet_config::{Settings, Shape};
use ledgerfleet_ledger::Ledger;
use ledgerfleet_model::WorkerName;
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
