//! A server of the HTTP API, and what programs ask of it.

use ledgerfleet_emulator::RunningEmulator;
use serde_json::{Value, json};

use crate::http::{Answered, send};
use crate::world::{Running, World};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const JSON_ALONE: &[(&str, &str)] = &[JSON];

/// A server with two companies, and where it is.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) server: Running,
    pub(crate) address: String,
}

pub(crate) async fn serve(emulator: &RunningEmulator) -> Served {
    let world = World::beside(emulator);
    for company in &emulator.info().companies {
        world.connect(company).await;
    }
    let server = world.start("serve --listen 127.0.0.1:0", "serving http://").await;
    let address = server.address_of("serving http://");
    Served {
        world,
        server,
        address,
    }
}

impl Served {
    pub(crate) async fn key(&self, name: &str, more: &str) -> String {
        let line = format!("api-key create --name {name} {more} -o json");
        let made = self.world.run(&line).await.expect(0).json();
        format!("Bearer {}", made["key"].as_str().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        send(&self.address, "GET", path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, key: &str) -> Answered {
        send(&self.address, "GET", path, &[("Authorization", key)], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        send(&self.address, "POST", path, JSON_ALONE, &body.to_string()).await
    }

    pub(crate) async fn post_nothing(&self, path: &str) -> Answered {
        send(&self.address, "POST", path, &[], "").await
    }

    /// Submits a backfill and follows it to its end.
    pub(crate) async fn backfill(&self, connection: &str) -> Value {
        self.run_to_its_end("/api/v1/runs", &invoices(connection)).await
    }

    /// Submits what answers 202 with a run to follow, and follows it.
    pub(crate) async fn run_to_its_end(&self, path: &str, body: &Value) -> Value {
        let run = self.post(path, body).await.expect(202);
        let place = run.header("location").unwrap().to_owned();
        let events = self.get(&format!("{place}/events")).await.expect(200);
        assert!(events.body.contains("event: end"), "{events:?}");
        self.get(&place).await.expect(200).json()
    }
}

pub(crate) fn invoices(connection: &str) -> Value {
    json!({"connections": [connection], "entities": ["invoice"], "from": "2026-06-01", "to": "2026-06-05"})
}
