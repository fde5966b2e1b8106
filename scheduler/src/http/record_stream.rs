//! Record stream: all records of a walk, as lines. A few hundred are in memory at a time.
//!
//! A stream that is whole says so: NDJSON ends with the line `{"end": true, "records": …, "next_since": …}`, and a transfer
//! that breaks off lacks its last chunk, which every client of HTTP takes for an error. Asked for with `marks=true`, a stream
//! holds such lines of its own every few hundred records: `{"next": CURSOR, "records": …}`, with the cursor to go on from
//! there. What has come after the last mark comes again. In CSV, where every record's line begins with a quote, marks and the
//! end are lines that begin with `#`.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::stream;
use ledgerfleet_ledger::{LedgerError, RecordPage, StoredRecord};
use serde::Serialize;

use super::Api;
use super::cursor::Cursor;
use super::problem::Refusal;

/// Rows that a stream holds at once.
const AT_ONCE: u32 = 500;

/// What the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Ndjson,
    Csv,
}

/// Where a walk through all records stands.
#[derive(Debug)]
pub(super) struct Walk {
    /// What is read next; its limit is the stream's own.
    pub(super) page: RecordPage,
    pub(super) lines: Lines,
    pub(super) has_marks: bool,
    /// Records that were met so far, those of a stream before that broke off included.
    pub(super) met: u64,
    /// What the whole walk tells as `next_since`.
    pub(super) next_since: DateTime<Utc>,
}

/// The last line of a stream: without it, the stream is not whole.
#[derive(Serialize)]
struct End {
    #[serde(rename = "end")]
    is_last: bool,
    records: u64,
    next_since: DateTime<Utc>,
}

/// From here a stream can be taken up again.
#[derive(Serialize)]
struct Mark {
    next: String,
    records: u64,
}

/// All records, streamed. Refuses where too many streams are under way.
pub(super) fn streamed(api: &Api, mut walk: Walk) -> Result<Response, Refusal> {
    let place = api.streaming()?;
    walk.page.limit = AT_ONCE;
    let kind = match walk.lines {
        Lines::Csv => "text/csv; charset=utf-8",
        Lines::Ndjson => "application/x-ndjson",
    };
    let under_way = (walk, api.clone(), place);
    let chunks = stream::try_unfold(Some(under_way), |under_way| async move {
        let Some((mut walk, api, place)) = under_way else {
            return Ok::<_, LedgerError>(None);
        };
        let (chunk, is_over) = walk.chunk(&api).await?;
        Ok(Some((chunk, (!is_over).then_some((walk, api, place)))))
    });
    Ok(([(CONTENT_TYPE, kind)], Body::from_stream(chunks)).into_response())
}

impl Walk {
    /// The next lines, and whether they are the last.
    async fn chunk(&mut self, api: &Api) -> Result<(Vec<u8>, bool), LedgerError> {
        let rows = api.ledger().record_page(&self.page).await?;
        let is_over = (rows.len() as u64) < u64::from(self.page.limit);
        let mut chunk = Vec::new();
        if self.met == 0 && self.lines == Lines::Csv {
            chunk.extend_from_slice(b"id,document_date,source_updated_at,ingested_at,deleted_at,payload\r\n");
        }
        for row in &rows {
            match self.lines {
                Lines::Csv => csv_line(&mut chunk, row),
                Lines::Ndjson => json_line(&mut chunk, row)?,
            }
        }
        self.met += rows.len() as u64;
        if let Some(last) = rows.into_iter().next_back() {
            self.page.after = last.id;
        }
        self.mark(&mut chunk, is_over)?;
        Ok((chunk, is_over))
    }

    fn mark(&self, chunk: &mut Vec<u8>, is_over: bool) -> Result<(), LedgerError> {
        let is_csv = self.lines == Lines::Csv;
        let is_told = self.has_marks || (is_over && !is_csv);
        if !is_told {
            return Ok(());
        }
        if is_csv {
            chunk.push(b'#');
        }
        if is_over {
            let end = End {
                is_last: true,
                records: self.met,
                next_since: self.next_since,
            };
            return json_line(chunk, &end);
        }
        let cursor = Cursor::of(&self.page, self.next_since, (self.page.after.clone(), self.met));
        let mark = Mark {
            next: cursor.text().map_err(|error| unwritten(&error))?,
            records: self.met,
        };
        json_line(chunk, &mark)
    }
}

fn unwritten(error: &serde_json::Error) -> LedgerError {
    LedgerError::Corrupt(error.to_string())
}

fn json_line<T: Serialize>(chunk: &mut Vec<u8>, row: &T) -> Result<(), LedgerError> {
    serde_json::to_writer(&mut *chunk, row).map_err(|error| unwritten(&error))?;
    chunk.push(b'\n');
    Ok(())
}

fn csv_line(chunk: &mut Vec<u8>, row: &StoredRecord) {
    let text = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let cells = [
        row.id.clone(),
        row.document_date.map(|day| day.to_string()).unwrap_or_default(),
        text(row.source_updated_at),
        text(Some(row.ingested_at)),
        text(row.deleted_at),
        row.payload.get().to_owned(),
    ];
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            chunk.push(b',');
        }
        chunk.push(b'"');
        // A spreadsheet would take such a beginning for a formula.
        if cell.starts_with(['=', '+', '-', '@']) {
            chunk.push(b'\'');
        }
        chunk.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        chunk.push(b'"');
    }
    chunk.extend_from_slice(b"\r\n");
}
