//! Queue: how fast segments go through ledger and bell when there is nothing to do in them, and how soon the first begins.

mod bell;
mod durable;
mod idle;
mod pgbench;
mod segments;

use futures::FutureExt;

use crate::figure::nothing;
use crate::{Case, Figure, Times};

pub(super) const FIGURE: Figure = Figure {
    name: "queue",
    title: "The queue",
    about: "*durable*: 30,720 segments of 200 connections that bring nothing, dispatched by a leader, popped from the bell, claimed \
            and settled, by two carriers in the harness of 16 segments at once and 8 sessions each, as a worker does it but without \
            lock, gate and upstream. Beside it pgbench (16 clients, prepared) runs the very statements that this repository's \
            queries are checked with, on as many segments of the same connections: one claim of eight, then eight transactions \
            (finish, cover, count the call). Both begin after a vacuum and a checkpoint, and are timed by the ledger, from the first claim \
            to the last end. *bell*: the bell alone, which hands out ids and nothing else, filled by 2,000 and emptied by four clients that pop 16 at once, beside apalis-redis on the same Redis \
            (one worker, batches of 64, tasks that do nothing, each with its arguments and its acknowledgement), with a backlog that was \
            pushed before; 0 means that nothing moved for five seconds: it hands out everything that is due in one script, which \
            fails beyond some 8,000. *idle*: one worker that waits, one segment \
            submitted now and then; from the start of the submission's transaction to the claim, by the ledger's clock.",
    cases: &[
        Case {
            name: "durable",
            times: Times::Repeated,
            measure: |bench| durable::measure(bench).boxed_local(),
        },
        Case {
            name: "bell",
            times: Times::Repeated,
            measure: |bench| bell::measure(bench).boxed_local(),
        },
        Case {
            name: "idle",
            times: Times::Repeated,
            measure: |bench| idle::measure(bench).boxed_local(),
        },
    ],
    side_by_side: 1,
    derive: nothing,
};
