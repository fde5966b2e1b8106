//! Fleet: the workers of a world, real processes that know nothing but their environment.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use ledgerfleet_testkit::FaultProxy;

use super::CANARY;
use crate::process::{Process, Signal};
use crate::wait::{PATIENCE, until};

const DATABASE: &str = "LEDGERFLEET_DATABASE_URL";

/// The users that `audit.sql` makes.
const USERS: usize = 64;

/// How a worker is started.
#[derive(Debug, Clone)]
pub struct Hire {
    /// Segments at once.
    pub concurrency: u32,
    /// Variables beside, or instead of, those of every worker.
    pub variables: Vec<(&'static str, String)>,
    /// A command that becomes the worker, whose own command line follows.
    pub by: Vec<String>,
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// Its process.
    pub process: Process,
    /// Where it shows its metrics.
    pub metrics: SocketAddr,
    /// Whether the row means it to be dead.
    pub given_up: bool,
}

/// All workers of a world, in the order of their start.
#[derive(Debug)]
pub struct Fleet {
    program: PathBuf,
    folder: PathBuf,
    pub(super) variables: Vec<(&'static str, String)>,
    /// Who was ever started.
    pub workers: Vec<Worker>,
}

impl Default for Hire {
    fn default() -> Self {
        Self {
            concurrency: 6,
            variables: Vec::new(),
            by: Vec::new(),
        }
    }
}

impl Hire {
    /// A worker that fails where the plan says.
    pub fn failing(plan: impl Into<String>) -> Self {
        Self::default().with("FAIL_POINTS", plan.into())
    }

    /// One segment at a time.
    #[must_use]
    pub fn single(mut self) -> Self {
        self.concurrency = 1;
        self
    }

    /// With one more variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Started by a command that becomes the worker.
    #[must_use]
    pub fn by(mut self, command: impl IntoIterator<Item = String>) -> Self {
        self.by = command.into_iter().collect();
        self
    }

    /// Whose Redis is behind a proxy.
    #[must_use]
    pub fn redis_through(self, proxy: &FaultProxy) -> Self {
        self.with("LEDGERFLEET_REDIS_URL", format!("redis://{}", proxy.address()))
    }

    /// Whose Postgres is behind a proxy.
    #[must_use]
    pub fn postgres_through(self, proxy: &FaultProxy) -> Self {
        self.with(DATABASE, postgres_url(proxy.address().port()))
    }

    /// Whose upstream is behind a proxy.
    #[must_use]
    pub fn api_through(self, proxy: &FaultProxy) -> Self {
        let url = format!("http://{}", proxy.address());
        self.with("LEDGERFLEET_QUICKBOOKS_API_URL", url)
    }
}

impl Fleet {
    /// A fleet without workers. Each will be started in `folder`, where its log is too, and know only `variables`.
    pub fn new(program: PathBuf, folder: PathBuf, variables: Vec<(&'static str, String)>) -> Self {
        Self {
            program,
            folder,
            variables,
            workers: Vec::new(),
        }
    }

    /// Starts workers that are all alike; none waits for another.
    pub fn start(&mut self, many: usize) {
        for _ in 0..many {
            self.hire(&Hire::default());
        }
    }

    /// Starts one worker and answers its number.
    pub fn hire(&mut self, hire: &Hire) -> usize {
        let number = self.workers.len();
        let metrics = free_address();
        let mut command = self.command(&hire.by);
        command
            .args(["--concurrency", &hire.concurrency.to_string()])
            .args(["--metrics-listen", &metrics.to_string()])
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(hire.variables.iter().map(|(name, value)| (name, value)))
            .env(DATABASE, self.database_of(number, hire));
        let log = self.folder.join(format!("worker-{number}.log"));
        self.workers.push(Worker {
            process: Process::start(&mut command, &log),
            metrics,
            given_up: false,
        });
        number
    }

    /// Where a worker finds the database, as a user of its own: by that the audit knows whose sessions it sees.
    fn database_of(&self, number: usize, hire: &Hire) -> String {
        let mut variables = hire.variables.iter().chain(&self.variables);
        let url = variables.find_map(|(name, url)| (*name == DATABASE).then_some(url.as_str()));
        let user = format!("//worker_{}:", number % USERS);
        url.unwrap_or_default().replacen("//postgres:", &user, 1)
    }

    fn command(&self, by: &[String]) -> Command {
        let Some((program, arguments)) = by.split_first() else {
            return Command::new(&self.program);
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(&self.program);
        command
    }

    /// Kills a worker without warning.
    pub async fn kill(&mut self, number: usize) {
        self.workers[number].process.signal(Signal::KILL);
        self.killed(number).await;
    }

    /// Waits until a worker has killed itself at its fail point.
    pub async fn killed(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        worker.given_up = true;
        worker.process.killed(PATIENCE).await;
    }

    /// Waits until a worker has stopped itself at its fail point.
    pub async fn stopped(&mut self, number: usize) {
        let process = &self.workers[number].process;
        until("the worker stops itself", PATIENCE, async || process.is_stopped()).await;
    }

    /// Sends a signal to a worker.
    pub fn signal(&mut self, number: usize, signal: Signal) {
        self.workers[number].process.signal(signal);
    }

    /// Those that run.
    pub fn running(&mut self) -> Vec<&mut Worker> {
        self.workers
            .iter_mut()
            .filter_map(|worker| worker.process.ended().is_none().then_some(worker))
            .collect()
    }

    /// Numbers of workers that have ended although nobody meant them to.
    pub fn lost(&mut self) -> Vec<usize> {
        let ended = self
            .workers
            .iter_mut()
            .enumerate()
            .filter_map(|(number, worker)| {
                (!worker.given_up && worker.process.ended().is_some()).then_some(number)
            });
        ended.collect()
    }

    /// Asks all that run to stop; answers their exit codes.
    pub async fn stop(&mut self) -> Vec<Option<i32>> {
        let mut codes = Vec::new();
        for worker in self.running() {
            worker.given_up = true;
            worker.process.signal(Signal::TERM);
        }
        for worker in &mut self.workers {
            codes.push(worker.process.end(PATIENCE).await.code());
        }
        codes
    }

    /// The sum of a metric's series over all running workers, or over one.
    pub fn metric(&mut self, name: &str) -> f64 {
        self.running()
            .iter()
            .map(|worker| sum_of(&worker.shown(), name))
            .sum()
    }
}

impl Worker {
    /// What it shows at /metrics; nothing where it does not answer.
    pub fn shown(&self) -> String {
        get(self.metrics, "/metrics").unwrap_or_default()
    }

    /// What it says to whether it is ready: the head of the answer and the faults.
    pub fn ready(&self) -> String {
        get(self.metrics, "/readyz").unwrap_or_default()
    }

    /// The sum of one of its metric's series.
    pub fn metric(&self, name: &str) -> f64 {
        sum_of(&self.shown(), name)
    }
}

fn sum_of(text: &str, name: &str) -> f64 {
    let of_name = text
        .lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name));
    of_name
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// A body over HTTP, or nothing where nobody answers in time.
pub(super) fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let patience = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A port that nobody listens on now.
fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// Where workers reach the database `postgres` behind a port.
pub(super) fn postgres_url(port: u16) -> String {
    format!("postgres://postgres:{CANARY}@127.0.0.1:{port}/postgres")
}
