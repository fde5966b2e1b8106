//! Options: what an emulator is started with, and their text forms on the command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::faults::FaultSpec;
use crate::switches::Switches;

/// Everything that decides how an emulator behaves; the default is the demo's two small companies on a free port.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Books, keys, realms and tokens are a pure function of this.
    pub seed: u64,
    /// How many days of documents the books hold, counted back from `as_of`.
    pub days: u32,
    /// The last day of the books. Fixed, so that a demo repeated tomorrow stores the same records.
    pub as_of: NaiveDate,
    /// The companies, each with a name of its own.
    pub companies: Vec<CompanySpec>,
    /// How many requests a company admits.
    pub rate: Rate,
    /// Faults in force from the start.
    pub faults: Vec<FaultSpec>,
    /// Which of the doubtful upstream behaviours to show.
    pub switches: Switches,
    /// How long every API answer takes at least.
    pub latency: Duration,
    /// The time that tokens, rate windows and mutations follow.
    pub clock: Clock,
}

impl EmulatorOptions {
    /// The last day of the books unless another is given: 2026-06-30.
    pub const AS_OF: NaiveDate = NaiveDate::from_ymd_opt(2026, 6, 30).expect("a real date");
    /// The days of documents unless another number is given.
    pub const DAYS: u32 = 400;
    /// The longest books: about a century.
    pub const MAX_DAYS: u32 = 36_600;
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            days: Self::DAYS,
            as_of: Self::AS_OF,
            companies: vec![
                CompanySpec::new("demo-us", Size::Small),
                CompanySpec {
                    region: Region::Ca,
                    ..CompanySpec::new("demo-ca", Size::Small)
                },
            ],
            rate: Rate::Enforce,
            faults: Vec::new(),
            switches: Switches::default(),
            latency: Duration::ZERO,
            clock: Clock::running(),
        }
    }
}

/// One company: `[NAME=]SIZE[:WORD]…` with `us` or `ca`, `sandbox` or `production`, `simple_start`, `essentials` or `plus`,
/// and `multicurrency`, or with `contifico`; such as `medium`, `acme=large:ca:production` or `tienda=small:contifico`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanySpec {
    /// Empty to be named after its size.
    pub name: String,
    /// How much it books.
    pub size: Size,
    /// Whose API it is reached by.
    pub connector: Connector,
    /// Its currency, taxes and language.
    pub region: Region,
    /// Which upstream environment it lives in.
    pub environment: Environment,
    /// What it pays upstream for, which decides what it can book.
    pub plan: Plan,
    /// Whether it deals in its own currency only.
    pub currencies: Currencies,
}

/// Whose API a company is reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// QuickBooks Online.
    QuickBooks,
    /// Contífico: a retailer in Ecuador. Region, environment, plan and currencies say nothing of it.
    Contifico,
}

/// What a company pays upstream for. A smaller plan lacks entities of the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// No bills, bill payments, vendor credits and time activities, and what `Essentials` lacks.
    SimpleStart,
    /// No purchase orders, classes, departments and budgets.
    Essentials,
    /// Everything.
    Plus,
}

/// In what a company deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Currencies {
    /// Its own currency.
    One,
    /// Also those of some customers and vendors.
    Many,
}

/// How much a company books: 10, 100 or 10,000 invoices a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// About 10 invoices a day.
    Small,
    /// About 100 invoices a day.
    Medium,
    /// About 10,000 invoices a day.
    Large,
}

/// Where a company trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// United States: US dollars, one sales tax, English names.
    Us,
    /// Québec: Canadian dollars, two taxes, French names.
    Ca,
}

/// The upstream's two worlds; a token of one is refused by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Test companies.
    Sandbox,
    /// Live companies.
    Production,
}

/// How many requests a company admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Upstream's own limits: 500 in any 60 s, 10 in any second, 10 in flight.
    Enforce,
    /// No limit.
    Off,
    /// N in any second, 50 · N in any 60 s (upstream's own proportion), max(N, 10) in flight.
    PerSecond(u32),
}

impl CompanySpec {
    /// A sandbox company in the United States.
    pub fn new(name: impl Into<String>, size: Size) -> Self {
        Self {
            name: name.into(),
            size,
            connector: Connector::QuickBooks,
            region: Region::Us,
            environment: Environment::Sandbox,
            plan: Plan::Plus,
            currencies: Currencies::One,
        }
    }
}

/// Names every nameless company after its size: `medium`, then `medium-2`.
pub(crate) fn name_companies(companies: &mut [CompanySpec]) {
    for at in 0..companies.len() {
        if companies[at].name.is_empty() {
            let size = companies[at].size.word();
            let taken = |name: &str| companies.iter().any(|other| other.name == name);
            let numbered = (2_u32..).map(|number| format!("{size}-{number}"));
            let free = std::iter::once(size.to_owned())
                .chain(numbered)
                .find(|name| !taken(name));
            companies[at].name = free.unwrap_or_default();
        }
    }
}

impl Region {
    /// The country's name in an address.
    pub(crate) fn country(self) -> &'static str {
        match self {
            Self::Us => "USA",
            Self::Ca => "CAN",
        }
    }
}

impl Size {
    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// The one of three values that belongs to this size.
    pub(crate) fn of<T: Copy>(self, [small, medium, large]: [T; 3]) -> T {
        match self {
            Self::Small => small,
            Self::Medium => medium,
            Self::Large => large,
        }
    }
}

impl FromStr for CompanySpec {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = || OptionError::Company(text.to_owned());
        let (name, kind) = text.split_once('=').unwrap_or(("", text));
        let mut words = kind.split(':');
        let size = match words.next() {
            Some("small") => Size::Small,
            Some("medium") => Size::Medium,
            Some("large") => Size::Large,
            _ => return Err(wrong()),
        };
        if text.contains('=') && !is_name(name) {
            return Err(OptionError::CompanyName(name.to_owned()));
        }
        let mut company = Self::new(name, size);
        for word in words {
            match word {
                "contifico" => company.connector = Connector::Contifico,
                "us" => company.region = Region::Us,
                "ca" => company.region = Region::Ca,
                "sandbox" => company.environment = Environment::Sandbox,
                "production" => company.environment = Environment::Production,
                "simple_start" => company.plan = Plan::SimpleStart,
                "essentials" => company.plan = Plan::Essentials,
                "plus" => company.plan = Plan::Plus,
                "multicurrency" => company.currencies = Currencies::Many,
                _ => return Err(wrong()),
            }
        }
        Ok(company)
    }
}

/// Whether a text can name a company: it has to fit into a path as it is.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    !text.is_empty() && text.chars().all(allowed)
}

impl FromStr for Rate {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "enforce" => Ok(Self::Enforce),
            "off" => Ok(Self::Off),
            other => other
                .strip_suffix("/s")
                .and_then(|number| number.parse().ok())
                .filter(|number| (1..=100_000).contains(number))
                .map(Self::PerSecond)
                .ok_or_else(|| OptionError::Rate(text.to_owned())),
        }
    }
}

/// A command-line value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not a company.
    #[error(
        "`{0}` is no company: write [NAME=]small|medium|large and any of :us, :ca, :sandbox, :production, :simple_start, \
         :essentials, :plus, :multicurrency, or :contifico, such as acme=medium:ca"
    )]
    Company(String),
    /// Not a company's name.
    #[error("`{0}` cannot name a company: use letters, digits, `-`, `_` and `.`")]
    CompanyName(String),
    /// Not a rate.
    #[error("`{0}` is no rate: write enforce, off or a number per second such as 50/s")]
    Rate(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_a_size_with_an_optional_name_region_and_environment() {
        let read = |text: &str| text.parse::<CompanySpec>();
        assert_eq!(read("medium").unwrap(), CompanySpec::new("", Size::Medium));
        let full = read("acme=large:ca:production").unwrap();
        assert_eq!(
            (full.name.as_str(), full.size, full.region),
            ("acme", Size::Large, Region::Ca)
        );
        assert_eq!(full.environment, Environment::Production);
        let small = read("small:essentials:multicurrency").unwrap();
        assert_eq!(
            (small.plan, small.currencies),
            (Plan::Essentials, Currencies::Many)
        );
        for wrong in ["", "huge", "=small", "a/b=small", "small:eu", "acme="] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nameless_companies_are_named_after_their_size() {
        let mut companies: Vec<CompanySpec> = ["small", "small", "x=small", "large"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        name_companies(&mut companies);
        let names: Vec<&str> = companies.iter().map(|company| company.name.as_str()).collect();
        assert_eq!(names, ["small", "small-2", "x", "large"]);
    }

    #[test]
    fn a_rate_is_enforced_off_or_a_number_per_second() {
        assert_eq!("enforce".parse(), Ok(Rate::Enforce));
        assert_eq!("off".parse(), Ok(Rate::Off));
        assert_eq!("50/s".parse(), Ok(Rate::PerSecond(50)));
        assert!("0/s".parse::<Rate>().is_err());
        assert!("50".parse::<Rate>().is_err());
    }
}
