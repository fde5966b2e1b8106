//! The entities that the emulator has. Each is one file, or one entry of a file where they are alike; this list is their
//! registration.

pub(crate) mod account;
mod attachable;
mod bill;
mod bill_payment;
mod budget;
mod company;
mod company_currency;
mod credit_card_payment;
mod credit_memo;
pub(crate) mod customer;
mod deposit;
mod employee;
mod estimate;
mod exchange_rate;
mod inventory_adjustment;
pub(crate) mod invoice;
mod item;
mod journal_entry;
mod paper;
mod payment;
mod prelude;
mod purchase;
mod purchase_order;
mod recurring_transaction;
mod refund_receipt;
mod reimburse_charge;
mod sale;
mod sales_receipt;
mod settlement;
mod spending;
mod tax;
mod time_activity;
mod transfer;
mod vendor;
mod vendor_credit;
mod word_lists;

use super::census::Census;
use super::entity::Entity;
use super::name::Name;

/// Every entity, in the order of [`Name`].
pub(crate) static ALL: [&Entity; Name::COUNT] = [
    &account::ENTITY,
    &attachable::ENTITY,
    &bill::ENTITY,
    &bill_payment::ENTITY,
    &budget::ENTITY,
    &word_lists::CLASS,
    &company_currency::ENTITY,
    &company::INFO,
    &credit_card_payment::ENTITY,
    &credit_memo::ENTITY,
    &customer::ENTITY,
    &word_lists::CUSTOMER_TYPE,
    &word_lists::DEPARTMENT,
    &deposit::ENTITY,
    &employee::ENTITY,
    &estimate::ENTITY,
    &exchange_rate::ENTITY,
    &inventory_adjustment::ENTITY,
    &invoice::ENTITY,
    &item::ENTITY,
    &word_lists::JOURNAL_CODE,
    &journal_entry::ENTITY,
    &payment::ENTITY,
    &word_lists::PAYMENT_METHOD,
    &company::PREFERENCES,
    &purchase::ENTITY,
    &purchase_order::ENTITY,
    &recurring_transaction::ENTITY,
    &refund_receipt::ENTITY,
    &reimburse_charge::ENTITY,
    &sales_receipt::ENTITY,
    &tax::AGENCY,
    &tax::CODE,
    &tax::RATE,
    &word_lists::TERM,
    &time_activity::ENTITY,
    &transfer::ENTITY,
    &vendor::ENTITY,
    &vendor_credit::ENTITY,
];

/// What blueprints need to know of them.
pub(crate) static CENSUS: [&Census; Name::COUNT] = {
    let mut census = [&ALL[0].census; Name::COUNT];
    let mut at = 0;
    while at < Name::COUNT {
        assert!(
            ALL[at].census.name as usize == at,
            "the list is in the order of names"
        );
        census[at] = &ALL[at].census;
        at += 1;
    }
    census
};
