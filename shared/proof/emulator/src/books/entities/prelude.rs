//! What most entities' files need to say of what a record consists.

pub(super) use crate::books::blueprint::Blueprint;
pub(super) use crate::books::census::{Inactive, Need, Opened, Stream};
pub(super) use crate::books::entity::{Changes, Entity, Removal};
pub(super) use crate::books::head::Head;
pub(super) use crate::books::name::Name;
pub(super) use crate::books::property::{COMMON, LIST, Property};
pub(super) use crate::books::record::Member::{
    self, AccountRef, Always, Amount, Asked, Cost, Count, Date, Flag, Id, Links, List, Note, Object,
    Optional, Other, Percent, Ref, Shared, Text, When, Word,
};
pub(super) use crate::books::record::{Dealt, Link, Record, Reference, Table, has_currencies};
pub(super) use crate::json::Json;
pub(super) use crate::money::Money;
