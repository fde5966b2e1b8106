//! What is served: whether a company's clients can ask for an entity at all, which its plan and some doubts decide.

use super::blueprint::Blueprint;
use super::census::Need;
use super::entity::Entity;
use crate::switches::{OptionalEntities, ReimburseCharges, Switches};

/// The code with which upstream refuses the entity; none where it is served.
pub(crate) fn refusal(plan: &Blueprint, entity: &Entity, switches: &Switches) -> Option<u32> {
    match entity.census.need {
        Need::Favour(code) if switches.optional_entities == OptionalEntities::Refused => Some(code),
        Need::Luck if switches.reimburse_charge == ReimburseCharges::Refused => Some(4001),
        _ if !plan.has(entity.census.name) => Some(5030),
        _ => None,
    }
}
