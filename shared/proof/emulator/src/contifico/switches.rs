//! Contífico's switches: where its documentation, its answers and its users disagree. The README gives the doubt behind each.

use serde::{Deserialize, Serialize};

/// Which of Contífico's doubtful behaviours the emulator shows; set as `contifico.NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContificoSwitches {
    /// Whether version 2 is there at all.
    pub v2: Presence,
    /// Which lists of version 1 honour `result_size` and `result_page`.
    pub v1_paging: V1Paging,
    /// How rows lie on the pages of version 2.
    pub v2_order: V2Order,
    /// What `count` counts.
    pub count: CountKept,
    /// What comes after the last page of version 2.
    pub page_past_end: PagePastEnd,
    /// What a `page_size` above 100 means.
    pub page_size_over_cap: PageSizeOverCap,
    /// Where `next` leads.
    pub next_link: NextLink,
    /// Whether the lists of documents leave some out that are there.
    pub omitted_documents: Toggle,
    /// Whether version 1 lists all documents under `documento/`.
    pub v1_documents: Served,
    /// What version 1 makes of a list of journal entries.
    pub v1_journals: V1Journals,
    /// Under which name bank movements are found.
    pub bank_movements: BankMovementPath,
    /// What the dates of bank movements' range are.
    pub bank_movement_dates: BankMovementDates,
    /// In which shape version 2 lists documents.
    pub v2_documents: V2Documents,
    /// Which ids are null.
    pub null_ids: NullIds,
    /// In which shape one record is answered.
    pub items: ItemShape,
    /// How amounts are written.
    pub amounts: AmountStyle,
    /// How version 2 writes the dates of movements and of products' creation.
    pub v2_dates: DateStyle,
    /// What a date in another format than documented does.
    pub wrong_date: WrongDate,
    /// What an unknown parameter does.
    pub unknown_parameters: UnknownParameters,
    /// Whether `fecha_final` belongs to the range in version 1.
    pub v1_last_day: LastDay,
    /// Whether `fecha_final` belongs to the range of version 2's movements.
    pub v2_movement_last_day: LastDay,
    /// Whether `fecha_final` belongs to the range of version 2's journal entries.
    pub v2_journal_last_day: LastDay,
    /// The members of a refusal.
    pub error_body: ErrorBody,
    /// What a journal entry that is not there is answered with.
    pub missing_journal: MissingJournal,
    /// Whether large pages of movements fail in version 1.
    pub large_movement_pages: LargePages,
    /// Whether `pos/` is there.
    pub pos: PosAnswer,
    /// Whether documents of version 2 tell their last change.
    pub document_changes: Toggle,
    /// Whether documents of version 2 have their collections twice.
    pub twin_collections: Toggle,
    /// For how many milliseconds a heavy list of version 1 is worked on when more than 100 rows are asked for.
    pub slow_lists_millis: u64,
    /// How long pages take.
    pub pace: Pace,
}

impl Default for ContificoSwitches {
    fn default() -> Self {
        Self {
            v2: Presence::Served,
            v1_paging: V1Paging::Recorded,
            v2_order: V2Order::Borders,
            count: CountKept::Exact,
            page_past_end: PagePastEnd::Refused,
            page_size_over_cap: PageSizeOverCap::Refused,
            next_link: NextLink::Own,
            omitted_documents: Toggle::Off,
            v1_documents: Served::Served,
            v1_journals: V1Journals::NotFound,
            bank_movements: BankMovementPath::Short,
            bank_movement_dates: BankMovementDates::Emission,
            v2_documents: V2Documents::ByParameters,
            null_ids: NullIds::None,
            items: ItemShape::Documented,
            amounts: AmountStyle::Mixed,
            v2_dates: DateStyle::DayFirst,
            wrong_date: WrongDate::Refused,
            unknown_parameters: UnknownParameters::Ignored,
            v1_last_day: LastDay::Included,
            v2_movement_last_day: LastDay::Excluded,
            v2_journal_last_day: LastDay::Included,
            error_body: ErrorBody::Mensaje,
            missing_journal: MissingJournal::Either,
            large_movement_pages: LargePages::Fail,
            pos: PosAnswer::Served,
            document_changes: Toggle::Off,
            twin_collections: Toggle::Off,
            slow_lists_millis: 0,
            pace: Pace::Instant,
        }
    }
}

macro_rules! positions {
    ($(#[$about:meta])* $name:ident: $($(#[$doc:meta])* $position:ident),+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $position),+ }
    };
}

positions! {
    /// Whether a version is there.
    Presence:
    /// It is.
    Served,
    /// Every path of it is a 404.
    Absent
}
positions! {
    /// Which lists of version 1 honour `result_size` and `result_page`.
    V1Paging:
    /// Products, documents, transactions and movements; the others answer everything.
    Recorded,
    /// All of them.
    Honoured,
    /// None: everything comes, whatever is asked.
    Ignored,
    /// The size is honoured, the page is not: the first page comes again and again.
    FirstPage
}
positions! {
    /// How rows lie on the pages of version 2.
    V2Order:
    /// In one order.
    Stable,
    /// At one border in ten a row comes again and the next one is lost; other borders with another page size.
    Borders,
    /// At every border up to three rows come again and as many are lost, others in every answer.
    Churning
}
positions! {
    /// What `count` counts.
    CountKept:
    /// The records.
    Exact,
    /// One more on every further page.
    Growing,
    /// Movements are listed one to three times, and counted as often.
    Repeats,
    /// Records of all lists are listed one to three times, and counted as often.
    RepeatsAll,
    /// Nothing, whatever there is.
    Zero
}
positions! {
    /// What comes after the last page of version 2.
    PagePastEnd:
    /// 400 and `Pagina fuera del rango`.
    Refused,
    /// The same with 404.
    NotFound,
    /// An envelope without rows.
    Empty,
    /// The last page again.
    LastPage
}
positions! {
    /// What a `page_size` above 100 means.
    PageSizeOverCap:
    /// 400.
    Refused,
    /// 100.
    Clamped
}
positions! {
    /// Where `next` leads.
    NextLink:
    /// To the same address.
    Own,
    /// To another host.
    OtherHost,
    /// To the same host under another scheme.
    OtherScheme,
    /// To another path.
    OtherPath
}
positions! {
    /// Whether something doubtful is done.
    Toggle:
    /// It is not.
    Off,
    /// It is.
    On
}
positions! {
    /// Whether a list is served.
    Served:
    /// It is.
    Served,
    /// It is a 404.
    Refused
}
positions! {
    /// What version 1 makes of a list of journal entries.
    V1Journals:
    /// 404.
    NotFound,
    /// 405.
    NotAllowed,
    /// 400.
    BadRequest,
    /// All of them in an array.
    Served
}
positions! {
    /// Under which name bank movements are found.
    BankMovementPath:
    /// `banco/movimiento/`.
    Short,
    /// `banco/movimiento_bancario/`.
    Long,
    /// Either.
    Both
}
positions! {
    /// What the dates of bank movements' range are.
    BankMovementDates:
    /// Those of emission.
    Emission,
    /// Those of the last change.
    Modification
}
positions! {
    /// In which shape version 2 lists documents.
    V2Documents:
    /// An array of texts to `result_size` or `result_page`, an envelope otherwise.
    ByParameters,
    /// An envelope.
    Envelope,
    /// An array.
    Array
}
positions! {
    /// Which ids are null.
    NullIds:
    /// None.
    None,
    /// Those of persons in version 1.
    Persons,
    /// Those of persons, products, warehouses, cost centers, accounts, bank accounts and bank movements, in both versions.
    Coded
}
positions! {
    /// In which shape one record is answered.
    ItemShape:
    /// As the documentation's samples have it: a person and a bank movement in an array, all others bare.
    Documented,
    /// Bare.
    Objects,
    /// In an array of one.
    Arrays
}
positions! {
    /// How amounts are written.
    AmountStyle:
    /// As texts, but for some in lines.
    Mixed,
    /// All as texts.
    Texts,
    /// All as numbers.
    Numbers
}
positions! {
    /// How a date is written.
    DateStyle:
    /// `dd/mm/yyyy`.
    DayFirst,
    /// `yyyy-mm-dd`.
    Iso
}
positions! {
    /// What a date in another format than documented does.
    WrongDate:
    /// 400.
    Refused,
    /// Nothing: the filter is passed over and everything comes.
    Ignored
}
positions! {
    /// What an unknown parameter does.
    UnknownParameters:
    /// Nothing.
    Ignored,
    /// 400.
    Refused
}
positions! {
    /// Whether the last day belongs to a range.
    LastDay:
    /// It does.
    Included,
    /// It does not.
    Excluded
}
positions! {
    /// The members of a refusal.
    ErrorBody:
    /// `mensaje`.
    Mensaje,
    /// `detail`.
    Detail,
    /// `code` and `error`.
    CodeError,
    /// A page of HTML.
    Html
}
positions! {
    /// What a journal entry that is not there is answered with.
    MissingJournal:
    /// 404 or 406, by the id.
    Either,
    /// 404.
    NotFound,
    /// 406.
    NotAcceptable
}
positions! {
    /// Whether large pages of movements fail in version 1.
    LargePages:
    /// More than 100 rows are a 500.
    Fail,
    /// They are served.
    Served
}
positions! {
    /// Whether `pos/` is there.
    PosAnswer:
    /// It tells the company's RUC.
    Served,
    /// 404.
    Absent,
    /// 403.
    Refused,
    /// 406.
    NotAcceptable,
    /// 500.
    Failing,
    /// It has no point of sale.
    Empty,
    /// Its RUC is null.
    NullRuc
}
positions! {
    /// How long pages take.
    Pace:
    /// No time.
    Instant,
    /// What was measured, from 0.3 s for persons to 2.2 s for documents.
    Recorded
}
