//! The entities that the emulator has. Each is one file, or one entry of a file where they are alike; this list is their
//! registration.

pub(crate) mod account;
pub(crate) mod attachable;
pub(crate) mod bill;
pub(crate) mod bill_payment;
pub(crate) mod budget;
pub(crate) mod company;
pub(crate) mod company_currency;
pub(crate) mod credit_card_payment;
pub(crate) mod credit_memo;
pub(crate) mod customer;
pub(crate) mod deposit;
pub(crate) mod employee;
pub(crate) mod estimate;
pub(crate) mod exchange_rate;
pub(crate) mod inventory_adjustment;
pub(crate) mod invoice;
mod invoice_text;
pub(crate) mod item;
pub(crate) mod journal_entry;
mod members;
pub(crate) mod payment;
pub(crate) mod purchase;
pub(crate) mod purchase_order;
pub(crate) mod recurring_transaction;
pub(crate) mod refund_receipt;
pub(crate) mod reimburse_charge;
mod sale;
mod sale_text;
pub(crate) mod sales_receipt;
mod spending;
pub(crate) mod tax;
pub(crate) mod time_activity;
pub(crate) mod transfer;
pub(crate) mod vendor;
pub(crate) mod vendor_credit;
pub(crate) mod words;

use super::entity::Entity;

/// Every entity, in the order of their names.
pub(crate) const ALL: &[&Entity] = &[
    &account::ENTITY,
    &attachable::ENTITY,
    &bill::ENTITY,
    &bill_payment::ENTITY,
    &budget::ENTITY,
    &words::CLASS,
    &company_currency::ENTITY,
    &company::INFO,
    &credit_card_payment::ENTITY,
    &credit_memo::ENTITY,
    &customer::ENTITY,
    &words::CUSTOMER_TYPE,
    &words::DEPARTMENT,
    &deposit::ENTITY,
    &employee::ENTITY,
    &estimate::ENTITY,
    &exchange_rate::ENTITY,
    &inventory_adjustment::ENTITY,
    &invoice::ENTITY,
    &item::ENTITY,
    &words::JOURNAL_CODE,
    &journal_entry::ENTITY,
    &payment::ENTITY,
    &words::PAYMENT_METHOD,
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
    &words::TERM,
    &time_activity::ENTITY,
    &transfer::ENTITY,
    &vendor::ENTITY,
    &vendor_credit::ENTITY,
];
