//! A record: one row of an entity, written member by member from a table that says of what it consists.

use std::cell::OnceCell;
use std::ops::Deref;

use chrono::NaiveDate;

use super::accounts::Account;
use super::blueprint::Blueprint;
use super::census::Census;
use super::currency::{self, Currency};
use super::head::Head;
use super::scalar::{Kind, Scalar};
use crate::json::Json;
use crate::money::{Money, Percentage, Price};
use crate::options::Currencies;

/// What the records of one entity are: their content, their members and what they come to.
pub(crate) struct Table<T: 'static> {
    /// The content that everything else is read from.
    pub(crate) content: fn(&Blueprint, &Head) -> T,
    /// In upstream's order.
    pub(crate) members: &'static [Member<T>],
    /// The control total, where there is one.
    pub(crate) total: fn(&Blueprint, &Head) -> Option<Money>,
}

/// One member of a record, or several.
pub(crate) enum Member<T: 'static> {
    /// Members that are alike in all records, as JSON.
    Always(&'static str),
    /// `"17"`
    Id(&'static str, fn(&Record<'_, T>) -> u64),
    Text(&'static str, fn(&Record<'_, T>) -> String),
    /// A text that not every record has.
    Optional(&'static str, fn(&Record<'_, T>) -> Option<String>),
    /// One of a few texts.
    Word(&'static str, fn(&Record<'_, T>) -> &'static str),
    Flag(&'static str, fn(&Record<'_, T>) -> bool),
    Date(&'static str, fn(&Record<'_, T>) -> NaiveDate),
    Count(&'static str, fn(&Record<'_, T>) -> u64),
    Amount(&'static str, fn(&Record<'_, T>) -> Money),
    Cost(&'static str, fn(&Record<'_, T>) -> Price),
    Percent(&'static str, fn(&Record<'_, T>) -> Percentage),
    /// `{"value":"17","name":"…"}`
    Ref(&'static str, fn(&Record<'_, T>) -> Reference),
    AccountRef(&'static str, fn(&Record<'_, T>) -> &'static Account),
    /// `PrivateNote`: what it says, and the only mark of a void besides its zeros.
    Note(fn(&Record<'_, T>) -> Option<&'static str>),
    /// `LinkedTxn` with what follows from the books and what mutations added; a voided document has lost them all.
    Links(fn(&Record<'_, T>) -> Vec<Link>),
    Object(&'static str, &'static [Member<T>]),
    /// An array; its elements write themselves, most by [`Record::each`].
    List(&'static str, fn(&Record<'_, T>, &mut Json)),
    /// Only in records of which that is true.
    When(fn(&Record<'_, T>) -> bool, &'static [Member<T>]),
    /// Members that several tables share.
    Shared(&'static [Member<T>]),
    /// A member that statements may filter and order by.
    Asked(&'static Member<T>),
    /// Whatever no other form fits.
    Other(fn(&Record<'_, T>, &mut Json)),
}

/// One record as its table sees it. It is read as its content is, which is drawn when a member first needs it.
pub(crate) struct Record<'a, T> {
    pub(crate) plan: &'a Blueprint,
    pub(crate) head: &'a Head,
    census: &'a Census,
    /// Which element of its list it is, from 1; 0 of what is a whole record.
    pub(crate) number: u64,
    content: Content<'a, T>,
}

enum Content<'a, T> {
    Drawn(OnceCell<T>, fn(&Blueprint, &Head) -> T),
    Given(&'a T),
}

/// A reference to an entry of a list, which is named only where the name is shown.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) ordinal: u64,
    pub(crate) name: fn(&Blueprint, u64) -> String,
}

/// One entry of `LinkedTxn`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) id: u64,
    /// Upstream's name for the kind of transaction, which is not always the entity's.
    pub(crate) kind: &'static str,
}

/// Content with a currency of its own.
pub(crate) trait Dealt {
    /// None for the home currency.
    fn currency(&self) -> Option<&'static Currency>;
}

/// What an entity's records consist of, whatever their content is.
pub(crate) trait Form {
    /// Writes all members.
    fn write(&self, plan: &Blueprint, census: &Census, head: &Head, json: &mut Json);
    /// The control total, where there is one.
    fn total(&self, plan: &Blueprint, head: &Head) -> Option<Money>;
    /// The member of that name, in any case, if statements may ask for it.
    fn asked(&self, name: &str) -> Option<(&'static str, Kind)>;
    /// The value of a member that statements may ask for; nothing where the record lacks it.
    fn read(&self, plan: &Blueprint, census: &Census, head: &Head, name: &str) -> Scalar;
}

impl<T> Form for Table<T> {
    fn write(&self, plan: &Blueprint, census: &Census, head: &Head, json: &mut Json) {
        self.record(plan, census, head).write(self.members, json);
    }

    fn total(&self, plan: &Blueprint, head: &Head) -> Option<Money> {
        (self.total)(plan, head)
    }

    fn asked(&self, name: &str) -> Option<(&'static str, Kind)> {
        asked(self.members, name)
    }

    fn read(&self, plan: &Blueprint, census: &Census, head: &Head, name: &str) -> Scalar {
        let record = self.record(plan, census, head);
        record.read(self.members, name).unwrap_or(Scalar::Null)
    }
}

impl<T> Table<T> {
    fn record<'a>(&self, plan: &'a Blueprint, census: &'a Census, head: &'a Head) -> Record<'a, T> {
        Record {
            plan,
            head,
            census,
            number: 0,
            content: Content::Drawn(OnceCell::new(), self.content),
        }
    }
}

fn asked<T>(members: &'static [Member<T>], name: &str) -> Option<(&'static str, Kind)> {
    members.iter().find_map(|member| match member {
        Member::Asked(member) => member
            .property()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name)),
        Member::When(_, members) | Member::Shared(members) => asked(members, name),
        _ => None,
    })
}

impl<T> Member<T> {
    /// Id, version and instants.
    pub(crate) const HEAD: Self = Self::Other(|record, json| record.head.write(json));
    pub(crate) const TXN_DATE: Self = Self::Date("TxnDate", |record| record.head.date);
    pub(crate) const ACTIVE: Self = Self::Flag("Active", |record| record.head.is_active());
    /// A note of nothing but that it is void.
    pub(crate) const NO_NOTE: Self = Self::Note(|_| None);
    pub(crate) const NO_LINKS: Self = Self::Links(|_| Vec::new());
    pub(crate) const NO_CUSTOM_FIELDS: Self = Self::Always(r#""CustomField":[]"#);
    pub(crate) const HOME_CURRENCY: Self =
        Self::Other(|record, json| currency::write_reference(record.plan, None, json));
    pub(crate) const AT_HOME: Self =
        Self::Other(|record, json| currency::write(record.plan, None, record.head.date, json));
    /// The number of a line, twice.
    pub(crate) const NUMBERED: Self = Self::Other(|line, json| {
        json.quoted("Id", line.number);
        json.value("LineNum", line.number);
    });

    /// The name and kind of a member that has one value.
    fn property(&self) -> Option<(&'static str, Kind)> {
        match self {
            Self::Text(key, _) | Self::Optional(key, _) | Self::Word(key, _) | Self::Ref(key, _) => {
                Some((key, Kind::Text))
            }
            Self::Flag(key, _) => Some((key, Kind::Flag)),
            Self::Date(key, _) => Some((key, Kind::Date)),
            Self::Amount(key, _) | Self::Cost(key, _) | Self::Percent(key, _) => Some((key, Kind::Number)),
            _ => None,
        }
    }
}

impl<T: Dealt> Member<T> {
    /// The currency, and its rate where it is not the home currency.
    pub(crate) const CURRENCY: Self =
        Self::Other(|record, json| currency::write(record.plan, record.currency(), record.head.date, json));
}

/// Whether amounts are shown in the home currency, too.
pub(crate) fn has_currencies<T>(record: &Record<'_, T>) -> bool {
    record.plan.currencies == Currencies::Many
}

impl<T> Record<'_, T> {
    /// Writes each element of a list by a table of its own.
    pub(crate) fn each<E>(&self, elements: &[E], members: &[Member<E>], json: &mut Json) {
        for (element, number) in elements.iter().zip(1..) {
            json.element(|json| self.with(element, number).write(members, json));
        }
    }

    /// Writes one element of a list by a table of the record's own.
    pub(crate) fn one(&self, members: &[Member<T>], json: &mut Json) {
        json.element(|json| self.write(members, json));
    }

    /// Writes a part of the content by a table of its own.
    pub(crate) fn part<P>(&self, part: &P, members: &[Member<P>], json: &mut Json) {
        self.with(part, self.number).write(members, json);
    }

    fn with<'part, P>(&'part self, content: &'part P, number: u64) -> Record<'part, P> {
        Record {
            plan: self.plan,
            head: self.head,
            census: self.census,
            number,
            content: Content::Given(content),
        }
    }

    pub(crate) fn write(&self, members: &[Member<T>], json: &mut Json) {
        for member in members {
            self.write_member(member, json);
        }
    }

    fn write_member(&self, member: &Member<T>, json: &mut Json) {
        match member {
            Member::Always(members) => json.raw_member(members),
            Member::Id(key, value) => json.quoted(key, value(self)),
            Member::Text(key, value) => json.text(key, &value(self)),
            Member::Optional(key, value) => value(self).iter().for_each(|text| json.text(key, text)),
            Member::Word(key, value) => json.text(key, value(self)),
            Member::Flag(key, value) => json.value(key, value(self)),
            Member::Date(key, value) => json.quoted(key, value(self)),
            Member::Count(key, value) => json.value(key, value(self)),
            Member::Amount(key, value) => json.value(key, value(self)),
            Member::Cost(key, value) => json.value(key, value(self)),
            Member::Percent(key, value) => json.value(key, value(self)),
            Member::Ref(key, value) => value(self).write(key, self.plan, json),
            Member::AccountRef(key, value) => value(self).refer(key, self.plan.region, json),
            Member::Note(value) => write_note(self.head, value(self), json),
            Member::Links(value) => {
                let links = value(self);
                json.array("LinkedTxn", |json| self.write_links(&links, json));
            }
            Member::Object(key, members) => json.object(key, |json| self.write(members, json)),
            Member::List(key, write) => json.array(key, |json| write(self, json)),
            Member::When(holds, members) if holds(self) => self.write(members, json),
            Member::When(..) => {}
            Member::Shared(members) => self.write(members, json),
            Member::Asked(member) => self.write_member(member, json),
            Member::Other(write) => write(self, json),
        }
    }

    fn write_links(&self, links: &[Link], json: &mut Json) {
        if self.head.is_voided() {
            return;
        }
        for link in links {
            link.write(json);
        }
        if let Some((target, kind)) = self.census.linked {
            let planned = self.plan.planned(target).max(1);
            for number in 0..u64::from(self.head.links) {
                Link::to((self.head.ordinal * 31 + number) % planned, kind).write(json);
            }
        }
    }

    /// None if no member of that name may be asked for.
    fn read(&self, members: &'static [Member<T>], name: &str) -> Option<Scalar> {
        members.iter().find_map(|member| match member {
            Member::Asked(member) if member.property()?.0 == name => Some(self.scalar(member)),
            Member::When(holds, members) if holds(self) => self.read(members, name),
            Member::When(_, members) => asked(members, name).map(|_| Scalar::Null),
            Member::Shared(members) => self.read(members, name),
            _ => None,
        })
    }

    fn scalar(&self, member: &Member<T>) -> Scalar {
        match member {
            Member::Text(_, value) => Scalar::text(&value(self)),
            Member::Optional(_, value) => value(self).map_or(Scalar::Null, |text| Scalar::text(&text)),
            Member::Word(_, value) => Scalar::text(value(self)),
            Member::Ref(_, value) => Scalar::Text((value(self).ordinal + 1).to_string()),
            Member::Flag(_, value) => Scalar::Flag(value(self)),
            Member::Date(_, value) => Scalar::Date(value(self)),
            Member::Amount(_, value) => Scalar::money(value(self)),
            Member::Cost(_, value) => Scalar::Number(i128::from(value(self).0) * 100),
            Member::Percent(_, value) => Scalar::Number(i128::from(value(self).0) * 1_000),
            _ => Scalar::Null,
        }
    }
}

impl<T: Dealt> Record<'_, T> {
    /// What an amount of the record is worth in the home currency.
    pub(crate) fn at_home(&self, amount: Money) -> Money {
        currency::at_home(self.plan, self.currency(), self.head.date, amount)
    }
}

impl<T> Deref for Record<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.content {
            Content::Drawn(content, draw) => content.get_or_init(|| draw(self.plan, self.head)),
            Content::Given(content) => content,
        }
    }
}

impl Reference {
    fn write(self, key: &str, plan: &Blueprint, json: &mut Json) {
        json.reference(key, self.ordinal + 1, &(self.name)(plan, self.ordinal));
    }
}

impl Link {
    /// A link to the record of that ordinal.
    pub(crate) fn to(ordinal: u64, kind: &'static str) -> Self {
        Self {
            id: ordinal + 1,
            kind,
        }
    }

    pub(crate) fn write(self, json: &mut Json) {
        json.element(|json| {
            json.quoted("TxnId", self.id);
            json.text("TxnType", self.kind);
        });
    }
}

fn write_note(head: &Head, note: Option<&str>, json: &mut Json) {
    match (head.is_voided(), note) {
        (true, Some(note)) => json.text("PrivateNote", &format!("Voided - {note}")),
        (true, None) => json.text("PrivateNote", "Voided"),
        (false, Some(note)) => json.text("PrivateNote", note),
        (false, None) => {}
    }
}
