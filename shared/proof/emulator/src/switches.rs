//! Switches: one for each upstream behaviour that is doubtful or has changed over the years.

mod positions;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use positions::*;

use crate::contifico::ContificoSwitches;

/// Which of the doubtful behaviours the emulator shows. The README gives the doubt behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// When a refresh returns another token value.
    pub rotation: Rotation,
    /// For how many hours a superseded refresh token still works: 0 or 24.
    pub old_token_grace_hours: u32,
    /// What the use of a dead refresh token, or of a used code, does to its family.
    pub reused_token: ReusedToken,
    /// How the token endpoint writes seconds.
    pub token_numbers: TokenNumbers,
    /// How many seconds the token endpoint says that an access token lives, whatever it does.
    pub expires_in: Option<u64>,
    /// The HTTP status of a throttled answer: 429, or 403 as in 2016.
    pub throttle_status: u16,
    /// The body of a throttled answer.
    pub throttle_body: ThrottleBody,
    /// Seconds in a `Retry-After` header of a throttled answer.
    pub throttle_retry_after: Option<u32>,
    /// What `STARTPOSITION 0` means.
    pub start_position_zero: StartZero,
    /// What a `MAXRESULTS` above 1,000 means.
    pub max_results_over_cap: OverCap,
    /// Whose time a timestamp literal without an offset is.
    pub literal_without_offset: LiteralZone,
    /// Whether `!=` is an operator.
    pub not_equal: NotEqual,
    /// Whether a page that holds the whole result says so. A count says its number in any case.
    pub total_count: TotalCount,
    /// What stands in an answer without rows.
    pub empty_result: EmptyResult,
    /// How `ORDERBY Id` compares.
    pub id_order: IdOrder,
    /// What becomes of an `ORDERBY` that names `Id`.
    pub order_by_id: OrderById,
    /// What becomes of an `ORDERBY` that names `TxnDate`.
    pub order_by_date: OrderByDate,
    /// Whether a statement may name an order at all.
    pub order: Acceptance,
    /// How rows lie that the order leaves open, where `Id` sorts nothing.
    pub order_ties: OrderTies,
    /// Whether `SELECT count(*)` is answered.
    pub count: Count,
    /// Whether `Active` can be compared with a list.
    pub active_in: Acceptance,
    /// Whether `Id` can be compared with a list.
    pub id_in: Acceptance,
    /// Whether a request may name a minor version.
    pub minor_version: Acceptance,
    /// The most rows of a page whatever `MAXRESULTS` says; from 1.
    pub rows_at_most: Option<u64>,
    /// Whether a page has one row more than was asked for.
    pub one_row_more: OneRowMore,
    /// Whether there are custom fields beyond the third.
    pub custom_fields: CustomFields,
    /// Whether a record whose id is a word can be read by it.
    pub word_ids: Acceptance,
    /// Whether entities that take a favour can be asked for.
    pub optional_entities: OptionalEntities,
    /// Whether reimburse charges can be asked for.
    pub reimburse_charge: ReimburseCharges,
    /// What the most of 1,000 changes counts.
    pub cdc_cap: CdcCap,
    /// Whether change data capture knows the entities that no list of it names.
    pub cdc_uncertain: UncertainChanges,
    /// Whether change data capture knows bills. A company's plan or a change of the API may take any entity out.
    pub cdc_bills: Acceptance,
    /// Which objects survive where a response of changes is cut.
    pub cdc_cut: CdcCut,
    /// What becomes of an entity whose changes are not told.
    pub cdc_unsupported: CdcUnsupported,
    /// Whether an instant may be told as `Z`.
    pub cdc_zulu: Acceptance,
    /// In which order the blocks of changes come.
    pub cdc_blocks: CdcBlocks,
    /// In which order a batch is answered.
    pub batch_order: BatchOrder,
    /// Whether answers are compressed for those who accept it.
    pub gzip: Gzip,
    /// Whether JSON carries insignificant whitespace.
    pub spacing: Spacing,
    /// What Contífico does; each is set as `contifico.NAME`.
    pub contifico: ContificoSwitches,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            rotation: Rotation::Daily,
            old_token_grace_hours: 0,
            reused_token: ReusedToken::Refused,
            token_numbers: TokenNumbers::Numbers,
            expires_in: None,
            throttle_status: 429,
            throttle_body: ThrottleBody::Xml,
            throttle_retry_after: None,
            start_position_zero: StartZero::Refused,
            max_results_over_cap: OverCap::Refused,
            literal_without_offset: LiteralZone::Pacific,
            not_equal: NotEqual::Accepted,
            total_count: TotalCount::Absent,
            empty_result: EmptyResult::Bare,
            id_order: IdOrder::Number,
            order_by_id: OrderById::Refused,
            order_by_date: OrderByDate::Sorted,
            order: Acceptance::Accepted,
            order_ties: OrderTies::ByAnswer,
            count: Count::Answered,
            active_in: Acceptance::Accepted,
            id_in: Acceptance::Accepted,
            minor_version: Acceptance::Accepted,
            rows_at_most: None,
            one_row_more: OneRowMore::Off,
            custom_fields: CustomFields::Enhanced,
            word_ids: Acceptance::Refused,
            optional_entities: OptionalEntities::Refused,
            reimburse_charge: ReimburseCharges::Served,
            cdc_cap: CdcCap::PerResponse,
            cdc_uncertain: UncertainChanges::Refused,
            cdc_bills: Acceptance::Accepted,
            cdc_cut: CdcCut::AsListed,
            cdc_unsupported: CdcUnsupported::Refused,
            cdc_zulu: Acceptance::Accepted,
            cdc_blocks: CdcBlocks::AsAsked,
            batch_order: BatchOrder::Shuffled,
            gzip: Gzip::On,
            spacing: Spacing::Compact,
            contifico: ContificoSwitches::default(),
        }
    }
}

impl Switches {
    /// These switches with some of them set anew; unknown names and impossible values are refused.
    pub fn with(self, changes: &Map<String, Value>) -> Result<Self, SwitchError> {
        let mut all = serde_json::to_value(self).map_err(SwitchError::unreadable)?;
        for (name, value) in changes {
            // A dot leads into the switches of another API.
            let (of, name) = name
                .split_once('.')
                .map_or((None, name.as_str()), |(of, name)| (Some(of), name));
            let members = match of {
                Some(of) => all.get_mut(of).and_then(Value::as_object_mut),
                None => all.as_object_mut(),
            };
            let members = members.ok_or_else(|| SwitchError::Nobody(of.unwrap_or_default().to_owned()))?;
            members.insert(name.to_owned(), value.clone());
        }
        let switches: Self = serde_json::from_value(all).map_err(SwitchError::unreadable)?;
        match switches {
            Self {
                rows_at_most: Some(0),
                ..
            } => Err(SwitchError::NoRows),
            Self {
                old_token_grace_hours: 0 | 24,
                throttle_status: 429 | 403,
                ..
            } => Ok(switches),
            Self {
                old_token_grace_hours: 0 | 24,
                ..
            } => Err(SwitchError::ThrottleStatus),
            _ => Err(SwitchError::Grace),
        }
    }
}

/// One switch and its position, as the command line has it: `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchSetting {
    name: String,
    value: Value,
}

impl SwitchSetting {
    /// These switches with this one set.
    pub fn on(&self, switches: Switches) -> Result<Switches, SwitchError> {
        let mut changes = Map::new();
        changes.insert(self.name.clone(), self.value.clone());
        switches.with(&changes)
    }
}

impl FromStr for SwitchSetting {
    type Err = SwitchError;

    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let (name, value) = text.split_once('=').ok_or(SwitchError::NoValue)?;
        let number = value.parse::<u64>().map(Value::from);
        let setting = Self {
            name: name.trim().replace('-', "_"),
            value: number.unwrap_or_else(|_| Value::String(value.to_owned())),
        };
        // No switch depends on another, so that one can be tried alone.
        setting.on(Switches::default()).map(|_| setting)
    }
}

/// A switch that does not exist or cannot be set so.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// An unknown name or value.
    #[error("the switches cannot be read: {reason}")]
    Unreadable {
        /// What the reader says; not a source, because the command line shows only this text.
        reason: String,
    },
    /// A dotted name that leads nowhere.
    #[error("there are no switches `{0}.…`: those of Contífico are written contifico.NAME")]
    Nobody(String),
    /// A name alone.
    #[error("a switch is set as NAME=VALUE, such as cdc_cap=per_entity")]
    NoValue,
    /// Neither of the two graces that upstream has had.
    #[error("old_token_grace_hours is 0 or 24")]
    Grace,
    /// Neither of the two statuses that upstream has had.
    #[error("throttle_status is 429 or 403")]
    ThrottleStatus,
    /// Pages that never hold anything.
    #[error("rows_at_most is at least 1")]
    NoRows,
}

impl SwitchError {
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
    fn unreadable(error: serde_json::Error) -> Self {
        Self::Unreadable {
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_set_one_by_one_and_unknown_ones_are_refused() {
        let set = |json: &str| Switches::default().with(&serde_json::from_str(json).unwrap());
        let switches = set(r#"{"rotation":"every_refresh","old_token_grace_hours":24}"#).unwrap();
        assert_eq!(switches.rotation, Rotation::EveryRefresh);
        assert_eq!(switches.gzip, Gzip::On);
        for wrong in [
            r#"{"rotations":"daily"}"#,
            r#"{"rotation":"weekly"}"#,
            r#"{"old_token_grace_hours":3}"#,
            r#"{"throttle_status":200}"#,
            r#"{"rows_at_most":0}"#,
        ] {
            assert!(set(wrong).is_err(), "{wrong}");
        }
    }
}
