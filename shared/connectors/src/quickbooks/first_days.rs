//! First days: the beginning of a window in the order of days.
//!
//! Pages are ordered by creation ([`super::paging`]), which tells nothing of the days on documents. In the order of
//! `TxnDate` ("Query operations and syntax" names it as sortable) a full page shows every day before that of its last row
//! whole, and so a window that is read with one call. Rows of one day come in no order that could be relied on: there is
//! no second page.

use async_trait::async_trait;
use ledgerfleet_model::{Failure, Position};

use super::QuickBooks;
use super::client::{asked, of_rows, page_of};
use super::pages::Asked;
use super::paging::Place;
use super::query::Query;
use super::source::source;
use crate::{Counting, Dialect, EntitySpec, FirstDays, Page, PageRequest, Target};

#[async_trait]
impl FirstDays for QuickBooks {
    fn are_served(&self, entity: &EntitySpec, dialect: Dialect) -> bool {
        source(entity).orderable && dialect.order && self.parts(entity, dialect) == 1
    }

    async fn first_days(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure> {
        let statement = FirstDays::describe(self, request);
        self.rows_of_days(target, request.entity, &statement, request.size)
            .await
    }

    async fn last_day(&self, target: &Target<'_>, request: &PageRequest<'_>) -> Result<Page, Failure> {
        let statement = Query::last_day(request).to_string();
        self.rows_of_days(target, request.entity, &statement, 1).await
    }

    fn describe(&self, request: &PageRequest<'_>) -> String {
        Query::first_days(request).to_string()
    }
}

impl QuickBooks {
    async fn rows_of_days(
        &self,
        target: &Target<'_>,
        entity: &'static EntitySpec,
        statement: &str,
        size: u32,
    ) -> Result<Page, Failure> {
        let answer = self.query(target, statement).await?;
        let all = Asked {
            place: Place::default(),
            size,
            in_order: false,
        };
        let page = page_of(answer, entity, all)
            .map_err(|failure| asked(failure, statement))
            .map_err(|failure| of_rows(failure, entity))?;
        Ok(Page {
            next: Position::start(),
            in_order: true,
            ..page
        })
    }
}
