//! Each doubtful behaviour in its worst position: what is stored is what the source has, or the run says why not.

use ledgerfleet_emulator::{
    AmountStyle, BankMovementDates, BankMovementPath, ContificoSwitches, CountKept, DateStyle, ErrorBody,
    ItemShape, LargePages, LastDay, NextLink, NullIds, PagePastEnd, PageSizeOverCap, PosAnswer, Presence,
    Toggle, UnknownParameters, V1Paging, V2Documents, V2Order, WrongDate,
};
use ledgerfleet_model::{RunState, Segmenting};

use super::shop::Shop;

/// Lists of either version, paged and not, dated and not.
const SOME: [&str; 8] = [
    "bank_movements",
    "chart_of_accounts",
    "documents",
    "inventory_movements",
    "journal_entries",
    "persons",
    "products",
    "registry_transactions",
];

type Change = fn(&mut ContificoSwitches);

/// Copies under each of these, in small pages and in windows of a week, so that there are many borders.
async fn copies_under(positions: &[(&str, Change)]) {
    for (name, change) in positions {
        let mut switches = ContificoSwitches::default();
        change(&mut switches);
        let shop = Shop::with(switches).await;
        let run = shop.submit(&SOME, Segmenting::Week, 40).await;
        let report = shop.run(run).await;
        assert_eq!(
            report.state,
            RunState::Done,
            "{name} {report:?} {:?}",
            shop.reasons().await
        );
        shop.assert_truth(&SOME).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_not_heeded_end_a_list_and_it_is_whole() {
    copies_under(&[
        ("all lists page", |switches| {
            switches.v1_paging = V1Paging::Honoured;
        }),
        ("no list pages", |switches| {
            switches.v1_paging = V1Paging::Ignored;
        }),
        ("the first page comes again and again", |switches| {
            switches.v1_paging = V1Paging::FirstPage;
        }),
        ("empty past the end", |switches| {
            switches.page_past_end = PagePastEnd::Empty;
        }),
        ("not found past the end", |switches| {
            switches.page_past_end = PagePastEnd::NotFound;
        }),
        ("the last page past the end", |switches| {
            switches.page_past_end = PagePastEnd::LastPage;
        }),
        ("large pages are cut", |switches| {
            switches.page_size_over_cap = PageSizeOverCap::Clamped;
        }),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_move_between_pages_and_counts_that_are_wrong_lose_nothing() {
    copies_under(&[
        ("rows move at every border", |switches| {
            switches.v2_order = V2Order::Churning;
        }),
        ("the count grows", |switches| {
            switches.count = CountKept::Growing;
        }),
        ("movements repeat and are counted so", |switches| {
            switches.count = CountKept::Repeats;
        }),
        ("all lists repeat and are counted so", |switches| {
            switches.count = CountKept::RepeatsAll;
        }),
        ("the count is 0, whatever there is", |switches| {
            switches.count = CountKept::Zero;
        }),
        ("the count is 0 and rows move", |switches| {
            (switches.v2_order, switches.count) = (V2Order::Borders, CountKept::Zero);
        }),
        ("both", |switches| {
            (switches.v2_order, switches.count) = (V2Order::Churning, CountKept::RepeatsAll);
        }),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_and_amounts_are_read_however_they_are_written_and_wherever_ranges_end() {
    copies_under(&[
        ("amounts are texts", |switches| {
            switches.amounts = AmountStyle::Texts;
        }),
        ("amounts are numbers", |switches| {
            switches.amounts = AmountStyle::Numbers;
        }),
        ("days are ISO", |switches| {
            switches.v2_dates = DateStyle::Iso;
        }),
        ("wrong dates are passed over", |switches| {
            switches.wrong_date = WrongDate::Ignored;
        }),
        ("the last day is not in a range", |switches| {
            switches.v1_last_day = LastDay::Excluded;
        }),
        ("the last day of movements is", |switches| {
            switches.v2_movement_last_day = LastDay::Included;
        }),
        ("the last day of journal entries is not", |switches| {
            switches.v2_journal_last_day = LastDay::Excluded;
        }),
        ("ranges of bank movements are of change", |switches| {
            switches.bank_movement_dates = BankMovementDates::Modification;
        }),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shapes_names_and_paths_that_differ_make_no_difference() {
    copies_under(&[
        ("persons have no ids", |switches| {
            switches.null_ids = NullIds::Persons;
        }),
        ("nothing has an id that has a code", |switches| {
            switches.null_ids = NullIds::Coded;
        }),
        ("records in arrays", |switches| {
            switches.items = ItemShape::Arrays;
        }),
        ("bank movements elsewhere", |switches| {
            switches.bank_movements = BankMovementPath::Long;
        }),
        ("arrays of documents", |switches| {
            switches.v2_documents = V2Documents::Array;
        }),
        ("unknown parameters are refused", |switches| {
            switches.unknown_parameters = UnknownParameters::Refused;
        }),
        ("more of documents", |switches| {
            (switches.document_changes, switches.twin_collections) = (Toggle::On, Toggle::On);
        }),
        ("slow lists", |switches| {
            switches.slow_lists_millis = 300;
        }),
        ("no points of sale", |switches| {
            switches.pos = PosAnswer::Refused;
        }),
        ("large pages of movements", |switches| {
            switches.large_movement_pages = LargePages::Served;
        }),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_next_page_elsewhere_is_never_asked_for() {
    for next_link in [NextLink::OtherHost, NextLink::OtherScheme, NextLink::OtherPath] {
        let shop = Shop::with(ContificoSwitches {
            next_link,
            v2_order: V2Order::Stable,
            ..ContificoSwitches::default()
        })
        .await;
        shop.copy(&["persons"], 40).await;
        shop.assert_truth(&["persons"]).await;
        assert_eq!(
            shop.requests(),
            4,
            "{next_link:?}: every page was asked for where the list is"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_resources_are_copied_with_all_switches_in_their_worst_position() {
    let shop = Shop::with(ContificoSwitches {
        v1_paging: V1Paging::FirstPage,
        v2_order: V2Order::Churning,
        count: CountKept::RepeatsAll,
        page_past_end: PagePastEnd::LastPage,
        next_link: NextLink::OtherHost,
        bank_movements: BankMovementPath::Long,
        bank_movement_dates: BankMovementDates::Modification,
        v2_documents: V2Documents::Array,
        null_ids: NullIds::Coded,
        items: ItemShape::Arrays,
        v2_dates: DateStyle::Iso,
        wrong_date: WrongDate::Ignored,
        unknown_parameters: UnknownParameters::Refused,
        v1_last_day: LastDay::Excluded,
        v2_movement_last_day: LastDay::Included,
        v2_journal_last_day: LastDay::Excluded,
        error_body: ErrorBody::Html,
        pos: PosAnswer::Refused,
        document_changes: Toggle::On,
        twin_collections: Toggle::On,
        slow_lists_millis: 200,
        ..ContificoSwitches::default()
    })
    .await;
    let all = super::all();
    let report = shop.copy(&all, 40).await;
    shop.assert_truth(&all).await;
    assert!(report.rows > 0);
    for entity in &all {
        let ids: Vec<String> = shop.stored(entity).await.into_keys().collect();
        let is_no_name = |id: &String| ["None", "null", ""].contains(&id.as_str());
        assert!(!ids.iter().any(is_no_name), "{entity}: {ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_without_version_2_has_the_rest_and_is_told_what_it_lacks() {
    let shop = Shop::with(ContificoSwitches {
        v2: Presence::Absent,
        ..ContificoSwitches::default()
    })
    .await;
    let report = shop.backfill(&["persons", "products"], 1_000).await;
    assert_eq!((report.state, report.dead), (RunState::Dead, 1), "{report:?}");
    shop.assert_truth(&["products"]).await;
    let reasons = shop.reasons().await.join(" ");
    assert!(reasons.contains("no version 2 for this company"), "{reasons}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_otherwise_than_expected_is_told_by_coverage() {
    for (switches, entity, says) in [
        (
            ContificoSwitches {
                v1_paging: V1Paging::Ignored,
                ..ContificoSwitches::default()
            },
            "products",
            "does not heed pages",
        ),
        (
            ContificoSwitches {
                v1_paging: V1Paging::FirstPage,
                ..ContificoSwitches::default()
            },
            "products",
            "again and again",
        ),
        (
            ContificoSwitches {
                count: CountKept::RepeatsAll,
                ..ContificoSwitches::default()
            },
            "persons",
            "no reading in other pages brought another",
        ),
    ] {
        let shop = Shop::with(switches).await;
        shop.copy(&[entity], 40).await;
        let notes: Vec<String> = shop
            .coverage(entity)
            .await
            .into_iter()
            .filter_map(|row| row.note)
            .collect();
        assert!(
            notes.iter().any(|note| note.contains(says)),
            "{entity}: {notes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_journal_entries_are_whole_whether_or_not_the_end_of_a_range_belongs_to_it() {
    for last_day in [LastDay::Included, LastDay::Excluded] {
        let shop = Shop::with(ContificoSwitches {
            v2_journal_last_day: last_day,
            ..ContificoSwitches::default()
        })
        .await;
        let report = shop.copy(&["journal_entries"], 1_000).await;
        assert!(report.rows > 0, "{last_day:?}");
        shop.assert_truth(&["journal_entries"]).await;
    }
}
