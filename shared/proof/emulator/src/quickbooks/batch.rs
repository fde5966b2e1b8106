//! A batch: up to thirty queries in one request. Each is charged as a call of its own, each may fail alone, and the answers
//! come in any order.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fault_body::{self, ServiceFault};
use super::query::{Run, Setting};
use super::strike;
use crate::dice::{Dice, topic};
use crate::faults::{Facts, Surface};
use crate::json::Json;
use crate::pacific::answer_time;
use crate::server::reply::Reply;
use crate::switches::BatchOrder;
use crate::upstream::{Company, Upstream};

/// The most items of a request.
const MOST: usize = 30;

#[derive(Debug, Deserialize)]
struct Batch<'body> {
    #[serde(borrow, rename = "BatchItemRequest")]
    items: Vec<Item<'body>>,
}

/// Writes have an operation and an object besides; they are refused whatever these are.
#[derive(Debug, Deserialize)]
struct Item<'body> {
    #[serde(rename = "bId")]
    id: Option<String>,
    #[serde(borrow, rename = "Query")]
    query: Option<&'body RawValue>,
}

pub(super) fn answer(upstream: &Upstream, company: &Company, body: &[u8], setting: Setting) -> Reply {
    let Ok(batch) = serde_json::from_slice::<Batch<'_>>(body) else {
        let detail = "Invalid request body: a BatchItemRequest is expected";
        return fault_body::refusal(2010, "Request has invalid or unsupported property", detail)
            .reply(setting.now);
    };
    if batch.items.len() > MOST {
        let detail = format!(
            "Maximum number of batch items is {MOST}, found {}",
            batch.items.len()
        );
        return fault_body::refusal(1040, "Batch size exceeds allowed limit", &detail).reply(setting.now);
    }
    let charges = u64::try_from(batch.items.len()).unwrap_or(u64::MAX);
    let mut json = Json::with_capacity(64 * 1024);
    json.element(|json| {
        json.array("BatchItemResponse", |json| {
            for item in ordered(&batch.items, setting) {
                json.element(|json| item.write(upstream, company, setting, json));
            }
        });
        json.text("time", &answer_time(setting.now));
    });
    Reply::json(200, json.into_string()).charged(charges)
}

/// The items in the order of their answers.
fn ordered<'batch, 'body>(items: &'batch [Item<'body>], setting: Setting) -> Vec<&'batch Item<'body>> {
    let mut ordered: Vec<&Item<'_>> = items.iter().collect();
    if setting.switches.batch_order == BatchOrder::Shuffled {
        let mut dice = Dice::new(setting.answer, topic("batch"), 0);
        for last in (1..ordered.len()).rev() {
            ordered.swap(last, dice.index(last + 1));
        }
    }
    ordered
}

impl Item<'_> {
    fn write(&self, upstream: &Upstream, company: &Company, setting: Setting, json: &mut Json) {
        let run = self.run(upstream, company, setting);
        let written = run.and_then(|run| run.write(json).map_err(|error| fault_body::of_query(&error)));
        if let Err(fault) = written {
            fault.write(json);
        }
        if let Some(id) = &self.id {
            json.text("bId", id);
        }
    }

    fn run<'books>(
        &self,
        upstream: &Upstream,
        company: &'books Company,
        setting: Setting,
    ) -> Result<Run<'books>, ServiceFault> {
        let statement = self
            .query
            .and_then(|query| serde_json::from_str::<String>(query.get()).ok());
        let statement = statement.ok_or_else(fault_body::no_writing)?;
        let run = Run::prepare(&company.books, &statement, setting)
            .map_err(|error| fault_body::of_query(&error))?;
        let facts = Facts {
            surface: Surface::BatchItem,
            company: Some((&company.name, &company.realm)),
            entity: Some(run.entity().name),
            path: "",
        };
        let struck = upstream.faults.strike(&facts);
        match struck.iter().find_map(strike::as_service_fault) {
            Some(fault) => Err(fault),
            None => Ok(run),
        }
    }
}
