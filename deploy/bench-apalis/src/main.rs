//! How fast apalis-redis carries tasks that do nothing: `bench-apalis REDIS-URL due|later BACKLOG`.
//!
//! `due` pushes a backlog that may run at once; `later` one that was planned for a time that has just come. Prints
//! `{"pushed", "carried"}`, tasks a second; `carried` is null where the backlog does not move within the patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use futures::stream;

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tasks fetched at once.
const BATCH: usize = 64;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, when, backlog] = arguments.as_slice() else {
        panic!("usage: bench-apalis REDIS-URL due|later BACKLOG");
    };
    let backlog: usize = backlog.parse().expect("a number of tasks");
    let connection = apalis_redis::connect(url.as_str()).await.expect("a Redis");
    let queue = format!("{when}-{backlog}");
    let config = Config::default().queue(&queue).batch_size(BATCH);
    let mut storage: RedisStorage<u64> = RedisStorage::new(connection).with_config(config);

    let began = Instant::now();
    push(&mut storage, when == "later", backlog).await;
    let pushed = backlog as f64 / began.elapsed().as_secs_f64();

    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let task = move |_: u64| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, BoxDynError>(()) }
    };
    let worker = WorkerBuilder::new("bench").backend(storage).parallelize(tokio::spawn).build(task);
    let began = Instant::now();
    tokio::spawn(worker.run());
    let carried = carried(&done, backlog, began).await;
    let carried = carried.map_or("null".to_owned(), |rate| rate.to_string());
    println!("{{\"pushed\": {pushed}, \"carried\": {carried}}}");
}

async fn push(storage: &mut RedisStorage<u64>, later: bool, backlog: usize) {
    let planned = std::time::SystemTime::now() - Duration::from_secs(1);
    let task = |number: u64| {
        let task = TaskBuilder::new(number);
        if later { task.run_at_time(planned).build() } else { task.build() }
    };
    for first in (0..backlog).step_by(500) {
        let tasks: Vec<_> = (first..backlog.min(first + 500)).map(|number| task(number as u64)).collect();
        storage.push_all(stream::iter(tasks)).await.expect("pushed");
    }
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
