//! Every figure can be taken: each is, as small as it gets, with the programs that stand beside this test. What they
//! measure then means nothing and is not looked at; that it was done right, the figures themselves assert.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::Path;

use ledgerfleet_bench::{Bench, Programs, Size, find_figure};

async fn take(name: &str) {
    let own = std::env::current_exe().unwrap();
    // Tests are in a folder beside the programs.
    let programs = own.parent().and_then(Path::parent).unwrap();
    let bench = Bench {
        programs: Programs::within(programs),
        size: Size::Quick,
        python: None,
        apalis: None,
        repository: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.."),
    };
    for case in find_figure(name).unwrap().cases {
        let values = (case.measure)(&bench).await;
        assert!(!values.0.is_empty(), "{name} {}", case.name);
        for value in values.0 {
            let shown = format!("{name} {}: {} is {}", case.name, value.name, value.value);
            assert!(value.value.is_finite() && value.value >= 0.0, "{shown}");
        }
    }
}

macro_rules! figures {
    ($($sentence:ident is $name:literal;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sentence() {
            take($name).await;
        })+

        #[test]
        fn every_figure_is_tried_here() {
            let tried = [$($name),+];
            let all: Vec<&str> = ledgerfleet_bench::FIGURES.iter().map(|figure| figure.name).collect();
            assert_eq!(all, tried);
        }
    };
}

figures! {
    starts_are_measured is "start";
    rows_are_measured is "rows";
    the_use_of_the_quota_is_measured is "quota";
    calls_are_measured is "calls";
    the_queue_is_measured is "queue";
    fairness_is_measured is "fairness";
    many_segments_and_rows_are_measured is "scale";
    the_emulator_is_measured is "emulator";
}
