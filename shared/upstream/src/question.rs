//! Question: what can be asked of a company. Each is one request.

use ledgerfleet_connectors::{
    Changed, ChangesRequest, Connector, CountRequest, Identity as Company, Page, PageRequest, RecordRequest,
    RecordsRequest, Target,
};
use ledgerfleet_model::{Failure, FailureKind, Served};

/// Something that one request asks.
pub trait Question: Sync {
    /// What is answered.
    type Answer: Send;

    /// Asks it.
    fn put(
        &self,
        connector: &dyn Connector,
        target: &Target<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// The page of a window that it asks for, counted from 1; none if it asks for something else.
    fn page(&self) -> Option<u32> {
        None
    }
}

/// A page of a window.
#[derive(Debug, Clone, Copy)]
pub struct NthPage<'a> {
    /// What is asked for.
    pub request: PageRequest<'a>,
    /// Its number within the reading, from 1.
    pub number: u32,
}

/// The first rows of a window in the order of their days.
#[derive(Debug, Clone, Copy)]
pub struct FirstDays<'a>(pub PageRequest<'a>);

/// One row of the last day of a window.
#[derive(Debug, Clone, Copy)]
pub struct LastDay<'a>(pub PageRequest<'a>);

/// Who the company is, asked at the one address that every company has.
#[derive(Debug, Clone, Copy)]
pub struct Identify;

impl Question for NthPage<'_> {
    type Answer = Page;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Page, Failure> {
        connector.page(target, &self.request).await
    }

    fn page(&self) -> Option<u32> {
        Some(self.number)
    }
}

impl Question for FirstDays<'_> {
    type Answer = Page;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Page, Failure> {
        capable(connector.first_days(), "to read the first days of a window")?
            .first_days(target, &self.0)
            .await
    }

    fn page(&self) -> Option<u32> {
        Some(1)
    }
}

impl Question for LastDay<'_> {
    type Answer = Page;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Page, Failure> {
        capable(connector.first_days(), "to read the last day of a window")?
            .last_day(target, &self.0)
            .await
    }
}

impl Question for CountRequest<'_> {
    type Answer = u64;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<u64, Failure> {
        capable(connector.counting(), "to count")?
            .count(target, self)
            .await
    }
}

impl Question for RecordsRequest<'_> {
    type Answer = Page;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Page, Failure> {
        capable(connector.look_up(), "to read by id")?
            .records(target, self)
            .await
    }
}

impl Question for RecordRequest<'_> {
    type Answer = Option<Served>;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Option<Served>, Failure> {
        capable(connector.look_up(), "to read by id")?
            .record(target, self)
            .await
    }
}

impl Question for ChangesRequest<'_> {
    type Answer = Changed;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Changed, Failure> {
        capable(connector.changes(), "to tell changes")?
            .changes(target, self)
            .await
    }
}

impl Question for Identify {
    type Answer = Company;

    async fn put(&self, connector: &dyn Connector, target: &Target<'_>) -> Result<Company, Failure> {
        connector.identify(target).await
    }
}

/// Whoever asks for what a connector cannot do is told so unsent.
fn capable<T>(capability: Option<T>, what: &str) -> Result<T, Failure> {
    capability.ok_or_else(|| {
        Failure::new(
            FailureKind::BadRequest,
            format!("this upstream has no way {what}"),
        )
    })
}
