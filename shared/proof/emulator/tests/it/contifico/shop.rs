//! A shop: one company of Contífico in an emulator of its own, and a client of it.

use std::collections::BTreeMap;

use ledgerfleet_emulator::{
    Clock, CompanyInfo, CompanySpec, Connector, ContificoSwitches, Emulator, EmulatorOptions, Rate,
    RunningEmulator, Size, Switches, TruthFilter, TruthLine, V2Order,
};
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::{Answer, answer, raw_http};

pub(super) struct Shop {
    pub(super) emulator: RunningEmulator,
    pub(super) company: CompanyInfo,
    pub(super) key: String,
    http: reqwest::Client,
}

/// Switches under which a test can say which rows a page has.
pub(super) fn steady() -> ContificoSwitches {
    ContificoSwitches {
        v2_order: V2Order::Stable,
        ..ContificoSwitches::default()
    }
}

pub(super) fn options(size: Size, contifico: ContificoSwitches) -> EmulatorOptions {
    EmulatorOptions {
        rate: Rate::Off,
        days: 90,
        clock: Clock::frozen_at("2026-07-20T12:00:00Z".parse().expect("an instant")),
        companies: vec![CompanySpec {
            connector: Connector::Contifico,
            ..CompanySpec::new("tienda", size)
        }],
        switches: Switches {
            contifico,
            ..Switches::default()
        },
        ..EmulatorOptions::default()
    }
}

impl Shop {
    pub(super) async fn start() -> Self {
        Self::with(steady()).await
    }

    pub(super) async fn with(contifico: ContificoSwitches) -> Self {
        Self::open(options(Size::Small, contifico)).await
    }

    pub(super) async fn open(options: EmulatorOptions) -> Self {
        let emulator = Emulator::start(options).await.expect("a free port");
        let company = emulator.info().companies.pop().expect("a company");
        let key = company.api_key.clone().expect("a key");
        Self {
            emulator,
            company,
            key,
            http: raw_http(),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/sistema/api/{path}", self.emulator.url())
    }

    /// A request without a key.
    pub(super) fn ask(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        answer(self.ask(path).header("authorization", &self.key)).await
    }

    pub(super) async fn follow(&self, address: &str) -> Answer {
        answer(self.http.get(address).header("authorization", &self.key)).await
    }

    /// The rows of one answer, as they came.
    pub(super) async fn raw_rows(&self, path: &str) -> Vec<String> {
        raw_rows(&self.get(path).await)
    }

    pub(super) async fn rows(&self, path: &str) -> Vec<Value> {
        let rows = self.raw_rows(path).await;
        rows.iter()
            .map(|row| serde_json::from_str(row).expect("a row"))
            .collect()
    }

    pub(super) async fn ids(&self, path: &str) -> Vec<String> {
        self.rows(path).await.iter().map(id).collect()
    }

    /// All rows of a list of version 2, page after page as `next` leads.
    pub(super) async fn walk(&self, path: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut address = Some(self.url(path));
        while let Some(next) = address {
            let page = self.follow(&next).await;
            rows.extend(raw_rows(&page));
            address = page.json()["next"].as_str().map(str::to_owned);
        }
        rows
    }

    pub(super) fn truth(&self, resource: &str) -> Vec<TruthLine> {
        self.emulator
            .truth(&self.company.name, resource, &TruthFilter::default())
            .expect("a truth")
    }

    /// Id to hash.
    pub(super) fn hashes(&self, resource: &str) -> BTreeMap<String, String> {
        let lines = self.truth(resource).into_iter();
        lines.map(|line| (line.id, line.hash)).collect()
    }

    pub(super) fn gone(&self, resource: &str) -> Vec<TruthLine> {
        let filter = TruthFilter {
            deleted: Some(1),
            ..TruthFilter::default()
        };
        self.emulator
            .truth(&self.company.name, resource, &filter)
            .expect("a truth")
    }

    pub(super) async fn control(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}/__emulator/{path}", self.emulator.url());
        answer(self.http.post(url).body(body.to_string())).await
    }

    pub(super) async fn look(&self, path: &str) -> Answer {
        answer(
            self.http
                .get(format!("{}/__emulator/{path}", self.emulator.url())),
        )
        .await
    }
}

/// The rows of an array or of an envelope, exactly as they came.
pub(super) fn raw_rows(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rows: Vec<&RawValue> = if answer.body.starts_with('[') {
        serde_json::from_str(&answer.body).expect("an array")
    } else {
        let envelope: BTreeMap<&str, &RawValue> = serde_json::from_str(&answer.body).expect("an envelope");
        serde_json::from_str(envelope["results"].get()).expect("rows")
    };
    rows.into_iter().map(|row| row.get().to_owned()).collect()
}

pub(super) fn id(row: &Value) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

/// Id to the hash of the row's text.
pub(super) fn hashed(rows: &[String]) -> BTreeMap<String, String> {
    rows.iter()
        .map(|row| {
            let read: Value = serde_json::from_str(row).expect("a row");
            (id(&read), blake3::hash(row.as_bytes()).to_hex().to_string())
        })
        .collect()
}

/// A decimal in millionths, whether it came as a text or as a number.
pub(super) fn millionths(value: &Value) -> i64 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= 6, "{text}");
    sign * format!("{whole}{fraction:0<6}")
        .parse::<i64>()
        .expect("a decimal")
}

/// In cents.
pub(super) fn cents(value: &Value) -> i64 {
    let millionths = millionths(value);
    assert_eq!(millionths % 10_000, 0, "{value} is no money");
    millionths / 10_000
}
