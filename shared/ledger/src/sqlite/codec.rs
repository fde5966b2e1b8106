//! How values of the model stand in the file: as text that reads well and compares as it should.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{Sqlite, SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Type};

/// An instant, always 27 characters (`2026-11-21T08:30:00.000000Z`), so that SQL can compare instants as text.
/// The width that sqlx itself would write varies with the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(pub(super) DateTime<Utc>);

impl Stamp {
    /// The last instant of which the text still has its width.
    fn latest() -> DateTime<Utc> {
        NaiveDate::from_ymd_opt(9999, 12, 31).map_or(DateTime::<Utc>::MAX_UTC, midnight)
    }

    /// `wait` after this instant. A wait beyond the calendar ends with the calendar.
    pub(super) fn after(self, wait: Duration) -> Self {
        let end = TimeDelta::from_std(wait)
            .ok()
            .and_then(|wait| self.0.checked_add_signed(wait));
        Self(end.unwrap_or_else(Self::latest).min(Self::latest()))
    }

    /// `span` before this instant. A span beyond the calendar begins with the era.
    pub(super) fn before(self, span: Duration) -> Self {
        let start = TimeDelta::from_std(span)
            .ok()
            .and_then(|span| self.0.checked_sub_signed(span));
        Self(start.unwrap_or(DateTime::UNIX_EPOCH).max(DateTime::UNIX_EPOCH))
    }

    /// The start of the hour that holds this instant.
    pub(super) fn hour(self) -> Self {
        let hour = self.0.timestamp().div_euclid(3600) * 3600;
        Self(DateTime::from_timestamp(hour, 0).unwrap_or(self.0))
    }
}

impl From<DateTime<Utc>> for Stamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.trunc_subsecs(6))
    }
}

impl Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.format("%Y-%m-%dT%H:%M:%S%.6fZ").fmt(f)
    }
}

/// The first instant of a calendar date read in UTC.
pub(super) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// A value whose text is its `Display` and `FromStr`: ids, words, days, time zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

/// A duration in whole milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Millis(pub(super) Duration);

impl Type<Sqlite> for Stamp {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Stamp {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.to_string(), buffer)
    }
}

impl Decode<'_, Sqlite> for Stamp {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<Sqlite>>::decode(value)?;
        Ok(Self(DateTime::parse_from_rfc3339(text)?.to_utc()))
    }
}

impl<T> Type<Sqlite> for Text<T> {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl<T: Display> Encode<'_, Sqlite> for Text<T> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.0.to_string(), buffer)
    }
}

impl<T: FromStr<Err: std::error::Error + Send + Sync + 'static>> Decode<'_, Sqlite> for Text<T> {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(<&str as Decode<Sqlite>>::decode(value)?.parse()?))
    }
}

impl Type<Sqlite> for Millis {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Millis {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX);
        Encode::<Sqlite>::encode(millis, buffer)
    }
}

impl Decode<'_, Sqlite> for Millis {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(Duration::from_millis(<u64 as Decode<Sqlite>>::decode(
            value,
        )?)))
    }
}

/// A count as SQL binds it. Nothing that is counted here comes near the end of 63 bits.
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A JSON array for `json_each`: how a statement of fixed text takes any number of values.
pub(super) fn json_list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<serde_json::Value>()
        .to_string()
}

/// The same for a filter of which an empty list means "any".
pub(super) fn json_filter<T: Display>(items: &[T]) -> Option<String> {
    (!items.is_empty()).then(|| json_list(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_one_width_and_lose_what_the_file_cannot_hold() {
        let at = DateTime::parse_from_rfc3339("2026-11-21T08:30:00.123456789Z")
            .unwrap()
            .to_utc();
        assert_eq!(Stamp::from(at).to_string(), "2026-11-21T08:30:00.123456Z");
        assert_eq!(Stamp::from(at).hour().to_string(), "2026-11-21T08:00:00.000000Z");
        let endless = Stamp::from(at).after(Duration::MAX);
        assert_eq!(endless.to_string(), "9999-12-31T00:00:00.000000Z");
    }
}
