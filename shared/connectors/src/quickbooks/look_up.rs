//! Look-up: records by their ids.

use async_trait::async_trait;
use ledgerfleet_model::{Failure, FailureKind, Position, Served};
use reqwest::Url;

use super::client::{QuickBooks, asked, of_rows};
use super::pages::{ROUND, read_one};
use super::paging::Part;
use super::query::{PAGE_SIZE_MAX, part_of};
use super::source::{ReadBy, RowShape, is_looked_for_in_the_list, source};
use crate::{
    Condition, Connector, Dialect, Ending, EntityKind, EntitySpec, FindRequest, LookUp, Page, PageRequest,
    RecordRequest, RecordsRequest, Target,
};

#[async_trait]
impl LookUp for QuickBooks {
    /// A question about several ids takes numbers only, where the source has words for some. Where inactive records cannot
    /// be asked for beside the others, they would look as if they were gone.
    fn goes_with_others(&self, entity: &EntitySpec, id: &str, dialect: Dialect) -> bool {
        let have_ids =
            entity.kind != EntityKind::Single && !matches!(source(entity).rows, RowShape::Keyed(_));
        have_ids
            && dialect.several_ids
            && part_of(entity, dialect, Part::All) == Part::All
            && !is_looked_for_in_the_list(entity, id)
    }

    async fn record(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure> {
        let RecordRequest { entity, id, .. } = *request;
        if is_looked_for_in_the_list(entity, id) {
            return self.record_in_list(target, request).await;
        }
        let url = self.address_of(target, entity, id)?;
        let what = format!("GET {} {id}", entity.upstream);
        let answer = self.send(target, self.http.get(url), &what).await?;
        read_one(&answer, entity, id)
            .map_err(|failure| asked(failure, &what))
            .map_err(|failure| of_rows(failure, entity))
    }

    async fn records(&self, target: &Target<'_>, request: &RecordsRequest<'_>) -> Result<Page, Failure> {
        let ids = request.ids.iter().map(String::as_str);
        let found = FindRequest {
            entity: request.entity,
            conditions: &[Condition::one_of("Id", ids)],
            from: &Position::start(),
            size: u32::try_from(request.ids.len()).unwrap_or(u32::MAX),
            dialect: request.dialect,
        };
        self.find(target, &found).await
    }
}

impl QuickBooks {
    /// The record of that id on the one page that the whole list is. Its absence is believed only where the page shows
    /// that it is the whole list: rows came, and not as many as a page or a cap of one has.
    async fn record_in_list(
        &self,
        target: &Target<'_>,
        request: &RecordRequest<'_>,
    ) -> Result<Option<Served>, Failure> {
        let RecordRequest { entity, id, dialect } = *request;
        if part_of(entity, dialect, Part::All) != Part::All {
            let message = format!("no one list shows whether there is a {} {id}", entity.name);
            return Err(Failure::new(FailureKind::Unservable, message));
        }
        let of_all = PageRequest::of_all(entity, PAGE_SIZE_MAX);
        let page = self.page(target, &PageRequest { dialect, ..of_all }).await?;
        let rows = page.records.len() + page.quarantined.len();
        let may_lack_some = page.more || page.ending == Ending::Doubted || rows.is_multiple_of(ROUND);
        let records = page.records.into_iter().map(Served::Record);
        let quarantined = page.quarantined.into_iter().map(Served::Quarantined);
        match records.chain(quarantined).find(|served| served.id() == id) {
            None if may_lack_some => {
                let message = format!("{id} is not among {rows} rows of the list, which may have more");
                Err(Failure::new(FailureKind::Unstable, message))
            }
            found => Ok(found),
        }
    }

    /// The address of one record.
    fn address_of(&self, target: &Target<'_>, entity: &EntitySpec, id: &str) -> Result<Url, Failure> {
        let resource = entity.upstream.to_ascii_lowercase();
        match source(entity).read_by {
            // An address takes these for "here" and "one up", and would be that of something else.
            ReadBy::Id if matches!(id, "" | "." | "..") => Err(no_id(entity, id)),
            ReadBy::Id => self.address(target, &[&resource, id]),
            ReadBy::Account => self.address(target, &[&resource, target.account]),
            ReadBy::Nothing => self.address(target, &[&resource]),
            ReadBy::Parameters(names) => {
                let parts: Vec<&str> = id.split(':').collect();
                if parts.len() != names.len() || parts.contains(&"") {
                    return Err(no_id(entity, id));
                }
                let mut url = self.address(target, &[&resource])?;
                url.query_pairs_mut().extend_pairs(names.iter().zip(parts));
                Ok(url)
            }
        }
    }
}

fn no_id(entity: &EntitySpec, id: &str) -> Failure {
    Failure::new(
        FailureKind::BadRequest,
        format!("{id:?} cannot be the id of a {}", entity.name),
    )
}
