//! Ground: the companies whose invoices are brought.

use std::time::Duration;

use crate::world::{Books, Ground, Limits};

/// How many invoices, and of what kind of company.
#[derive(Debug, Clone, Copy)]
pub(in crate::figures) struct Amount {
    pub(super) size: &'static str,
    pub(super) days: u32,
}

/// One company of that size, and a small one.
pub(in crate::figures) fn invoices(size: &str, days: u32) -> Books {
    Books {
        companies: vec![format!("north={size}"), "south=small".to_owned()],
        days,
        rate: "off",
        latency: Duration::ZERO,
    }
}

/// A world of that many, without limits.
pub(super) fn ground(amount: Amount) -> Ground {
    Ground {
        books: invoices(amount.size, amount.days),
        limits: Limits::Off { slots: 64 },
    }
}
