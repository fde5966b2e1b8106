//! Emulator: what the other side can do by itself, so that it is not what is measured.

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::join_all;
use tempfile::tempdir;

use super::rows::invoices;
use crate::figure::nothing;
use crate::world::{Company, Upstream};
use crate::{Bench, Case, Figure, Times, Values};

pub(super) const FIGURE: Figure = Figure {
    name: "emulator",
    title: "The emulator's own capacity",
    about: "Four connections that ask without pause and read the answers without looking into them: pages of 1,000 invoices, plain \
            and compressed (our client and `dlt` ask for compressed ones), and days without any of a small company, as *scale* asks for.",
    cases: &[Case {
        name: "answers",
        times: Times::Repeated,
        measure: |bench| measure(bench).boxed_local(),
    }],
    side_by_side: 1,
    derive: nothing,
};

/// Connections at once.
const CONNECTIONS: usize = 4;

/// Rows of a page.
const PAGE: f64 = 1_000.0;

async fn measure(bench: &Bench) -> Values {
    let folder = tempdir().unwrap();
    let books = invoices(bench.of("large", "small"), 60);
    let upstream = Upstream::start(&bench.programs.emulator(), &books, folder.path()).await;
    let length = bench.of(Duration::from_secs(5), Duration::from_millis(50));
    let page = "select * from Invoice where TxnDate >= '2026-06-01' startposition 1 maxresults 1000";
    let none = "select * from Invoice where TxnDate = '1900-01-01' startposition 1 maxresults 1000";
    let mut values = Values::default();
    let [large, small] = upstream.companies.as_slice() else {
        unreachable!("it was started with two")
    };
    let plain = asked(&upstream, large, page, "", length).await;
    values.put("invoices a second, plain", plain.rate * PAGE, "");
    values.put("bytes of a page", plain.bytes, "");
    let gzip = asked(&upstream, large, page, "Accept-Encoding: gzip\r\n", length).await;
    values.put("invoices a second, compressed", gzip.rate * PAGE, "");
    values.put("bytes of a compressed page", gzip.bytes, "");
    values.put(
        "processor time for 1,000 invoices, compressed",
        gzip.cpu * 1e3,
        "ms",
    );
    let empty = asked(&upstream, small, none, "Accept-Encoding: gzip\r\n", length).await;
    values.put("empty days a second", empty.rate, "");
    values.put("processor time for an empty day", empty.cpu * 1e6, "µs");
    values
}

/// What came of asking one thing again and again.
struct Asked {
    /// Answers a second.
    rate: f64,
    /// Bytes of an answer.
    bytes: f64,
    /// The emulator's processor time for an answer, in seconds.
    cpu: f64,
}

async fn asked(upstream: &Upstream, company: &Company, query: &str, header: &str, length: Duration) -> Asked {
    let path = format!(
        "/v3/company/{}/query?query={}",
        company.realm,
        query.replace(' ', "%20").replace('>', "%3E")
    );
    let headers = upstream.authorization(company).await + header;
    let cpu = upstream.process.cpu();
    let began = Instant::now();
    let one = async || {
        let mut client = upstream.connect().await;
        let (mut answers, mut bytes) = (0, 0);
        while began.elapsed() < length {
            let answer = client.get(&path, &headers).await.unwrap();
            assert_eq!(answer.status, 200);
            answers += 1;
            bytes += answer.body.len();
        }
        (answers, bytes)
    };
    let all = join_all((0..CONNECTIONS).map(|_| one())).await;
    let seconds = began.elapsed().as_secs_f64();
    let answers: u32 = all.iter().map(|(answers, _)| answers).sum();
    let bytes: usize = all.iter().map(|(_, bytes)| bytes).sum();
    Asked {
        rate: f64::from(answers) / seconds,
        bytes: bytes as f64 / f64::from(answers),
        cpu: upstream.process.cpu().saturating_sub(cpu).as_secs_f64() / f64::from(answers),
    }
}
