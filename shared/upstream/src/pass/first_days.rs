//! The first days of a window: a reading that begins in the order of days.

use ledgerfleet_connectors::Page;
use ledgerfleet_model::Failure;

use super::{Fetched, Pass};
use crate::asking::{Answered, Asking};
use crate::known::Learner;
use crate::question::{FirstDays, LastDay};

impl Pass<'_> {
    /// Fetches the first rows of the window in the order of their days. Where that is not all of it, the reading has not
    /// begun: its next page is the first one.
    ///
    /// # Errors
    /// The upstream did not serve them; what may help is up to the caller.
    pub async fn first_days(
        &mut self,
        asking: &Asking<'_>,
        learner: &mut Learner<'_>,
    ) -> Result<Fetched, Failure> {
        let request = self.walk.request();
        let Answered { answer, asked_at } = asking.ask_unless(&FirstDays(request), |_| true).await?;
        let connector = &asking.company().connector;
        let described = connector
            .first_days()
            .map(|first_days| first_days.describe(&request));
        let page = self.arrived(answer, learner).await;
        Ok(Fetched {
            page,
            request: described.unwrap_or_default(),
            asked_at,
        })
    }

    /// Fetches a row of the window's last day.
    ///
    /// # Errors
    /// The upstream did not serve it.
    pub async fn last_day(&self, asking: &Asking<'_>) -> Result<Page, Failure> {
        let question = LastDay(self.walk.request());
        Ok(asking.ask_unless(&question, |_| true).await?.answer)
    }
}
