//! How fast apalis-redis carries a backlog of tasks that do nothing: `bench-apalis REDIS-URL BACKLOG`. Prints
//! `{"pushed", "carried"}`, tasks a second; `carried` is null where the backlog does not move within the patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tasks fetched at once.
const BATCH: usize = 64;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, backlog] = arguments.as_slice() else {
        panic!("usage: bench-apalis REDIS-URL BACKLOG");
    };
    let backlog: usize = backlog.parse().expect("a number of tasks");
    let connection = apalis_redis::connect(url.as_str()).await.expect("a Redis");
    let queue = format!("backlog-{backlog}");
    let config = Config::default().queue(&queue).batch_size(BATCH);
    let mut storage: RedisStorage<u64> = RedisStorage::new(connection).with_config(config);

    let began = Instant::now();
    for first in (0..backlog).step_by(500) {
        let tasks = first..backlog.min(first + 500);
        storage
            .push_bulk(tasks.map(|number| number as u64).collect())
            .await
            .expect("pushed");
    }
    let pushed = backlog as f64 / began.elapsed().as_secs_f64();

    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let task = move |_: u64| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, BoxDynError>(()) }
    };
    let worker = WorkerBuilder::new("bench")
        .backend(storage)
        .parallelize(tokio::spawn)
        .build(task);
    let began = Instant::now();
    tokio::spawn(worker.run());
    let carried = carried(&done, backlog, began).await;
    let carried = carried.map_or("null".to_owned(), |rate| rate.to_string());
    println!("{{\"pushed\": {pushed}, \"carried\": {carried}}}");
}

/// Tasks a second until the backlog is done; none if it does not move.
async fn carried(done: &AtomicUsize, backlog: usize, began: Instant) -> Option<f64> {
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let now = done.load(Ordering::Relaxed);
        if now >= backlog {
            return Some(backlog as f64 / began.elapsed().as_secs_f64());
        }
        if now > last {
            (last, moved) = (now, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
