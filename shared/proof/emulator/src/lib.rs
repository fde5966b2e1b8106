#![doc = include_str!("../README.md")]

mod books;
mod clock;
mod command;
mod contifico;
mod control;
mod dice;
mod emulator;
mod explain;
mod faults;
mod json;
mod locks;
mod money;
mod options;
mod pacific;
mod quickbooks;
mod server;
mod switches;
mod tokens;
mod upstream;
mod webhooks;

pub use books::mutation::Mutation;
pub use books::mutation_error::MutationError;
pub use books::mutation_kind::{MutationKind, Pick};
pub use books::oddity::{Oddity, STRANGE_TEXT};
pub use books::truth::{Axis, TruthError, TruthFilter, TruthLine, TruthTotal};
pub use clock::Clock;
pub use command::{Command, CommandError};
pub use contifico::{
    AmountStyle, BankMovementDates, BankMovementPath, ContificoKind, ContificoMutation,
    ContificoMutationError, ContificoSwitches, CountKept, DateStyle, ErrorBody, ItemShape, LargePages,
    LastDay, MissingJournal, NextLink, NullIds, Pace, PagePastEnd, PageSizeOverCap, PosAnswer, Presence,
    Served, Toggle, UnknownParameters, V1Journals, V1Paging, V2Documents, V2Order, WrongDate,
};
pub use control::{CompanySummary, Summary};
pub use emulator::{Emulator, RunningEmulator, StartError};
pub use explain::complain;
pub use faults::{CutLength, DropMoment, EchoPlace, FaultKind, FaultShape, FaultSpec, SpecError, Surface};
pub use options::{
    CompanySpec, Connector, Currencies, EmulatorOptions, Environment, OptionError, Plan, Rate, Region, Size,
};
pub use quickbooks::query::{ReadCondition, ReadStatement, read_statement};
pub use server::traffic::CompanyTraffic;
pub use switches::*;
pub use tokens::TokenTraffic;
pub use upstream::{CompanyInfo, Info};
pub use webhooks::{WebhookForm, WebhookReport, WebhookTarget, webhook_signature};
