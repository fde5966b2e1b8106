//! Members: the parts of a document's text that most kinds of documents have.

use crate::books::accounts::Account;
use crate::books::blueprint::Blueprint;
use crate::books::entity::Entity;
use crate::books::head::Head;
use crate::json::Json;

/// One entry of `LinkedTxn`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) id: u64,
    /// Upstream's name for the kind of transaction, which is not always the entity's.
    pub(super) kind: &'static str,
}

impl Link {
    /// A link to the record of that ordinal.
    pub(super) fn to(ordinal: u64, kind: &'static str) -> Self {
        Self {
            id: ordinal + 1,
            kind,
        }
    }

    pub(super) fn write(self, json: &mut Json) {
        json.element(|json| {
            json.quoted("TxnId", self.id);
            json.text("TxnType", self.kind);
        });
    }
}

/// `LinkedTxn` with what follows from the books and what mutations added; a voided document has lost them all.
pub(super) fn write_links(plan: &Blueprint, entity: &Entity, head: &Head, links: &[Link], json: &mut Json) {
    json.array("LinkedTxn", |json| {
        if head.is_voided() {
            return;
        }
        for link in links {
            link.write(json);
        }
        if let Some((target, kind)) = entity.linked {
            let planned = plan.planned(target).max(1);
            for number in 0..u64::from(head.links) {
                Link::to((head.ordinal * 31 + number) % planned, kind).write(json);
            }
        }
    });
}

/// The only mark of a void besides its zeros.
pub(super) fn write_note(head: &Head, note: Option<&str>, json: &mut Json) {
    match (head.is_voided(), note) {
        (true, Some(note)) => json.text("PrivateNote", &format!("Voided - {note}")),
        (true, None) => json.text("PrivateNote", "Voided"),
        (false, Some(note)) => json.text("PrivateNote", note),
        (false, None) => {}
    }
}

pub(super) fn write_account(plan: &Blueprint, member: &str, account: &Account, json: &mut Json) {
    json.reference(member, account.id, account.name(plan.region));
}
