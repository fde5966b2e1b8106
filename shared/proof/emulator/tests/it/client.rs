//! A client: one company of an emulator of its own.

use std::collections::BTreeMap;

use ledgerfleet_emulator::{
    Acceptance, Clock, CompanyInfo, CustomFields, Emulator, EmulatorOptions, OrderById, Rate,
    RunningEmulator, Switches, TruthFilter, TruthLine,
};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::Value;
use serde_json::value::RawValue;

/// An emulator, a company of it and the tokens for it.
pub(crate) struct Client {
    pub(crate) emulator: RunningEmulator,
    pub(crate) http: reqwest::Client,
    pub(crate) company: CompanyInfo,
    pub(crate) access_token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

/// Two small companies without limits, whose clock stands still some weeks after the end of the books. Ids sort, so that
/// a test can say which rows a page has, and no record has more custom fields than a plain request shows.
pub(crate) fn options() -> EmulatorOptions {
    let clock = Clock::frozen_at("2026-07-20T12:00:00Z".parse().expect("an instant"));
    EmulatorOptions {
        rate: Rate::Off,
        days: 90,
        clock,
        switches: Switches {
            order_by_id: OrderById::Sorted,
            custom_fields: CustomFields::Three,
            word_ids: Acceptance::Accepted,
            ..Switches::default()
        },
        ..EmulatorOptions::default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own client, which must not share the product's"
)]
fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none())
}

/// A client that shows compressed answers as they are.
pub(crate) fn raw_http() -> reqwest::Client {
    http().no_gzip().build().expect("a client")
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: EmulatorOptions) -> Self {
        let emulator = Emulator::start(options).await.expect("a free port");
        let company = emulator.info().companies[0].clone();
        let mut client = Self {
            emulator,
            http: http().build().expect("a client"),
            company,
            access_token: String::new(),
        };
        client.turn_to(0).await;
        client
    }

    /// The second company of the emulator, with a token of its own.
    pub(crate) async fn turn_to(&mut self, company: usize) {
        self.company = self.emulator.info().companies[company].clone();
        let tokens = self.refresh(&self.company.refresh_token.clone()).await;
        tokens["access_token"]
            .as_str()
            .expect("an access token")
            .clone_into(&mut self.access_token);
    }

    pub(crate) async fn grant(&self, form: &str) -> Answer {
        let info = self.emulator.info();
        let request = self
            .http
            .post(format!("{}/oauth2/v1/tokens/bearer", self.emulator.url()))
            .basic_auth(info.client_id, Some(info.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        answer(request).await
    }

    pub(crate) async fn refresh(&self, value: &str) -> Value {
        self.grant(&format!("grant_type=refresh_token&refresh_token={value}"))
            .await
            .json()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        let url = format!("{}/v3/company/{}/{path}", self.emulator.url(), self.company.realm);
        self.http
            .get(url)
            .bearer_auth(&self.access_token)
            .header("accept", "application/json")
    }

    pub(crate) fn statement(&self, statement: &str) -> RequestBuilder {
        let base = format!("{}/v3/company/{}/query", self.emulator.url(), self.company.realm);
        let url =
            Url::parse_with_params(&base, [("query", statement), ("minorversion", "75")]).expect("a URL");
        self.http
            .get(url)
            .bearer_auth(&self.access_token)
            .header("accept", "application/json")
    }

    pub(crate) async fn query(&self, statement: &str) -> Answer {
        answer(self.statement(statement)).await
    }

    /// The rows of one page.
    pub(crate) async fn rows(&self, statement: &str) -> Vec<Value> {
        self.query(statement).await.rows()
    }

    pub(crate) async fn ids(&self, statement: &str) -> Vec<String> {
        ids(&self.rows(statement).await)
    }

    pub(crate) async fn count(&self, what: &str) -> u64 {
        let answer = self.query(&format!("SELECT count(*) FROM {what}")).await.json();
        answer["QueryResponse"]["totalCount"]
            .as_u64()
            .unwrap_or_else(|| panic!("no count in {answer}"))
    }

    /// Every row of a query, page after page: id to the hash of its text.
    pub(crate) async fn all(&self, select: &str, page: usize) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for start in (1..).step_by(page) {
            let answer = self
                .query(&format!("{select} STARTPOSITION {start} MAXRESULTS {page}"))
                .await;
            let rows = answer.raw_rows();
            let last = rows.len() < page;
            for row in rows {
                let id = serde_json::from_str::<Value>(&row).expect("a record")["Id"].clone();
                let id = id.as_str().expect("an id").to_owned();
                found.insert(id, blake3::hash(row.as_bytes()).to_hex().to_string());
            }
            if last {
                break;
            }
        }
        found
    }

    /// The texts of the rows of one page, exactly as they came.
    pub(crate) async fn raw_rows(&self, statement: &str) -> Vec<String> {
        self.query(statement).await.raw_rows()
    }

    /// The texts of all rows of an entity, exactly as they came.
    pub(crate) async fn every_row(&self, api: &str) -> Vec<String> {
        let select = crate::ledger::select(api);
        let mut rows = Vec::new();
        for start in (1..).step_by(1000) {
            let statement = if crate::ledger::SINGLE.contains(&api) {
                select.clone()
            } else {
                format!("{select} STARTPOSITION {start} MAXRESULTS 1000")
            };
            let page = self.query(&statement).await.raw_rows();
            let last = page.len() < 1000;
            rows.extend(page);
            if last {
                break;
            }
        }
        rows
    }

    pub(crate) fn truth(&self, entity: &str, filter: &TruthFilter) -> Vec<TruthLine> {
        self.emulator
            .truth(&self.company.name, entity, filter)
            .expect("a truth")
    }

    /// The whole truth of an entity: id to hash.
    pub(crate) fn hashes(&self, entity: &str) -> BTreeMap<String, String> {
        self.truth(entity, &TruthFilter::default())
            .into_iter()
            .map(|line| (line.id, line.hash))
            .collect()
    }

    pub(crate) async fn control(&self, path: &str, body: &str) -> Answer {
        let url = format!("{}/__emulator/{path}", self.emulator.url());
        answer(self.http.post(url).body(body.to_owned())).await
    }

    /// Sets a switch while the emulator runs.
    pub(crate) async fn switch(&self, name: &str, position: impl Into<Value>) {
        let switches = Value::Object([(name.to_owned(), position.into())].into_iter().collect());
        let set = self
            .control("faults", &serde_json::json!({ "switches": switches }).to_string())
            .await;
        assert_eq!(set.status, 200, "{}", set.body);
    }

    pub(crate) async fn look(&self, path: &str) -> Answer {
        answer(
            self.http
                .get(format!("{}/__emulator/{path}", self.emulator.url())),
        )
        .await
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.expect("a whole body");
    Answer {
        status,
        headers,
        body,
    }
}

pub(crate) fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| row["Id"].as_str().expect("an id").to_owned())
        .collect()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        let answer = self.json();
        let response = answer["QueryResponse"].as_object().expect("a response");
        response
            .values()
            .find_map(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    /// The rows' texts, exactly as they came.
    pub(crate) fn raw_rows(&self) -> Vec<String> {
        let answer: BTreeMap<&str, &RawValue> = serde_json::from_str(&self.body).expect("an answer");
        let response: BTreeMap<&str, &RawValue> =
            serde_json::from_str(answer["QueryResponse"].get()).expect("a response");
        let list = response.into_values().find(|value| value.get().starts_with('['));
        let rows: Vec<&RawValue> =
            list.map_or_else(Vec::new, |list| serde_json::from_str(list.get()).expect("rows"));
        rows.into_iter().map(|row| row.get().to_owned()).collect()
    }

    /// The code of a fault, whichever body holds it.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        let fault = [
            &body["Fault"]["Error"][0]["code"],
            &body["fault"]["error"][0]["code"],
        ];
        fault
            .iter()
            .find_map(|code| code.as_str())
            .unwrap_or_else(|| panic!("no fault in {body}"))
            .to_owned()
    }
}
