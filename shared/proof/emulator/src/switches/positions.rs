//! Positions: what each switch can be set to.

use serde::{Deserialize, Serialize};

macro_rules! positions {
    ($(#[$about:meta])* $name:ident: $($(#[$doc:meta])* $position:ident),+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $position),+ }
    };
}

positions! {
    /// When a refresh returns another token value.
    Rotation:
    /// The same value for 24 hours, then another.
    Daily,
    /// Another value at every refresh.
    EveryRefresh
}
positions! {
    /// What the use of a dead refresh token does.
    ReusedToken:
    /// That request is refused.
    Refused,
    /// The whole family dies: a person has to consent again.
    RevokesFamily
}
positions! {
    /// How the token endpoint writes seconds.
    TokenNumbers:
    /// As JSON numbers.
    Numbers,
    /// As texts of digits.
    Strings
}
positions! {
    /// The body of a throttled answer.
    ThrottleBody:
    /// XML, whatever was asked for.
    Xml,
    /// JSON with capitalised keys.
    Json
}
positions! {
    /// What `STARTPOSITION 0` means.
    StartZero:
    /// An error.
    Refused,
    /// The first row.
    First
}
positions! {
    /// What a `MAXRESULTS` above 1,000 means.
    OverCap:
    /// An error.
    Refused,
    /// 1,000.
    Clamped
}
positions! {
    /// Whose time a timestamp literal without an offset is.
    LiteralZone:
    /// The Pacific coast's.
    Pacific,
    /// Greenwich's.
    Utc
}
positions! {
    /// Whether `!=` is an operator.
    NotEqual:
    /// It is.
    Accepted,
    /// It is a parse error.
    Refused
}
positions! {
    /// Whether a page that holds the whole result says so.
    TotalCount:
    /// With `totalCount`.
    Present,
    /// Not at all.
    Absent
}
positions! {
    /// What stands in an answer without rows.
    EmptyResult:
    /// Nothing: an empty object.
    Bare,
    /// A start position and a number of rows of 0.
    Zeros
}
positions! {
    /// How `ORDERBY Id` compares.
    IdOrder:
    /// As numbers: 9 before 10.
    Number,
    /// As texts: 10 before 9.
    Text
}
positions! {
    /// Whether entities that take a favour (exchange rates, journal codes, inventory adjustments) can be asked for.
    OptionalEntities:
    /// With a fault.
    Refused,
    /// As all others.
    Served
}
positions! {
    /// Whether reimburse charges can be asked for.
    ReimburseCharges:
    /// They can.
    Served,
    /// With a fault.
    Refused
}
positions! {
    /// What the most of 1,000 changes counts.
    CdcCap:
    /// The objects of the whole response.
    PerResponse,
    /// The objects of each entity.
    PerEntity
}
positions! {
    /// Whether change data capture knows the entities that no list of it names.
    UncertainChanges:
    /// A fault for the whole request.
    Refused,
    /// As all others.
    Served
}
positions! {
    /// In which order a batch is answered.
    BatchOrder:
    /// In another one at every time.
    Shuffled,
    /// In that of the request.
    Kept
}
positions! {
    /// Whether answers are compressed for those who accept it.
    Gzip:
    /// They are.
    On,
    /// They are not.
    Off
}
positions! {
    /// Whether JSON carries insignificant whitespace.
    Spacing:
    /// None.
    Compact,
    /// Line breaks and blanks between members.
    Spaced
}
positions! {
    /// What becomes of an `ORDERBY` that names `Id`.
    OrderById:
    /// It sorts, and what any order leaves open lies in the order of ids.
    Sorted,
    /// It is read and sorts nothing.
    Ignored,
    /// It is an error.
    Refused
}
positions! {
    /// What becomes of an `ORDERBY` that names `TxnDate`.
    OrderByDate:
    /// It sorts.
    Sorted,
    /// It is read and sorts nothing.
    Ignored,
    /// It is an error.
    Refused
}
positions! {
    /// How rows lie that the order leaves open, where `Id` sorts nothing: never in the order of ids.
    OrderTies:
    /// In another way in every answer.
    ByAnswer,
    /// In another way for every statement, therefore for every page; the same statement is answered alike.
    ByPage,
    /// In one way for good.
    Settled
}
positions! {
    /// Whether `SELECT count(*)` is answered.
    Count:
    /// With the number of rows.
    Answered,
    /// With a fault.
    Refused,
    /// With one more than there are.
    Wrong,
    /// With far more than there are.
    High,
    /// With far fewer than there are, or none.
    Low
}
positions! {
    /// Whether something may be asked.
    Acceptance:
    /// It may.
    Accepted,
    /// It is answered with a fault.
    Refused
}
positions! {
    /// Whether a page has one row more than was asked for.
    OneRowMore:
    /// It has at most as many.
    Off,
    /// It has one more, if there is one.
    On
}
positions! {
    /// Whether there are custom fields beyond the third.
    CustomFields:
    /// There are at most three.
    Three,
    /// Some records have five, of which only those see the last two who ask for `include=enhancedAllCustomFields`.
    Enhanced
}
positions! {
    /// Which objects survive where a response of changes is cut.
    CdcCut:
    /// Those that the books list first.
    AsListed,
    /// Those that changed first.
    Oldest,
    /// Those that changed last.
    Newest,
    /// Any, others each time.
    Arbitrary
}
positions! {
    /// What becomes of an entity whose changes are not told, among others that are.
    CdcUnsupported:
    /// All of the request is refused.
    Refused,
    /// It is passed over without a word: there is no block of it.
    Ignored,
    /// Its block is empty.
    EmptyBlock
}
positions! {
    /// In which order the blocks of changes come.
    CdcBlocks:
    /// In that of the request.
    AsAsked,
    /// In any, another each time.
    Shuffled
}
