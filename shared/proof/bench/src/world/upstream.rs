//! Upstream: the emulator, in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledgerfleet_testkit::wait::{PATIENCE, until};
use ledgerfleet_testkit::{Process, Signal};

use crate::http::Client;

/// What an emulator is started with.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    /// Companies, as its command line has them.
    pub(crate) companies: Vec<String>,
    /// Days of documents.
    pub(crate) days: u32,
    /// What it admits: `enforce`, `off`.
    pub(crate) rate: &'static str,
    /// How long an answer takes at least.
    pub(crate) latency: Duration,
}

/// A running emulator.
pub(crate) struct Upstream {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) companies: Vec<Company>,
}

/// One of its companies.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) realm: String,
    pub(crate) refresh_token: String,
}

impl Upstream {
    pub(crate) async fn start(program: &Path, books: &Books, folder: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--rate", books.rate])
            .args(["--days", &books.days.to_string()])
            .args(["--latency", &books.latency.as_millis().to_string()]);
        for company in &books.companies {
            command.args(["--company", company]);
        }
        let mut process = Process::start(&mut command, &folder.join("emulator.log"));
        until("the emulator tells its address", PATIENCE, async || {
            assert!(process.ended().is_none(), "{}", process.log());
            process.log().ends_with('\n')
        })
        .await;
        let url = process.log();
        let address: SocketAddr = url.trim().trim_start_matches("http://").parse().unwrap();
        let mut client = Client::connect(address).await.unwrap();
        let info = client.get("/__emulator/info", "").await.unwrap().json();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let company = |company: &serde_json::Value| Company {
            name: text(&company["name"]),
            realm: text(&company["realm"]),
            refresh_token: text(&company["refresh_token"]),
        };
        Self {
            process,
            address,
            client_id: text(&info["client_id"]),
            client_secret: text(&info["client_secret"]),
            companies: info["companies"]
                .as_array()
                .unwrap()
                .iter()
                .map(company)
                .collect(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    /// What it saw of its first company since the start.
    pub(crate) async fn summary(&self) -> serde_json::Value {
        let path = "/__emulator/requests?summary=1";
        let mut summary = self.connect().await.get(path, "").await.unwrap().json();
        summary["companies"][0].take()
    }

    /// A header that opens a company's books.
    pub(crate) async fn authorization(&self, company: &Company) -> String {
        let keys = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        let headers = format!("Authorization: Basic {keys}\r\nAccept: application/json\r\n");
        let form = format!("grant_type=refresh_token&refresh_token={}", company.refresh_token);
        let mut client = self.connect().await;
        let path = "/oauth2/v1/tokens/bearer";
        let granted = client.post(path, &headers, &form).await.unwrap().json();
        let token = granted["access_token"].as_str().unwrap();
        format!("Authorization: Bearer {token}\r\nAccept: application/json\r\n")
    }

    /// Asks it to stop; it answers nothing more.
    pub(crate) async fn stop(&mut self) {
        self.process.signal(Signal::TERM);
        self.process.end(PATIENCE).await;
    }
}
