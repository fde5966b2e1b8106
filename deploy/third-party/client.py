"""The Python side: python-quickbooks and intuit-oauth, as published, against the emulator at the address given.

Only their base addresses are changed. What they read is compared with the emulator's truth; the exit code is 1 on any
difference.
"""

import faulthandler
import json
import os
import sys
import traceback
import urllib.request
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

# requests-oauthlib refuses plain HTTP unless told that it is meant so.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from intuitlib import config
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks, exceptions
from quickbooks.batch import batch_update
from quickbooks.cdc import change_data_capture
from quickbooks.objects.account import Account
from quickbooks.objects.attachable import Attachable
from quickbooks.objects.bill import Bill
from quickbooks.objects.billpayment import BillPayment
from quickbooks.objects.budget import Budget
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.companycurrency import CompanyCurrency
from quickbooks.objects.creditcardpayment_entity import CreditCardPayment
from quickbooks.objects.creditmemo import CreditMemo
from quickbooks.objects.customer import Customer
from quickbooks.objects.customertype import CustomerType
from quickbooks.objects.department import Department
from quickbooks.objects.deposit import Deposit
from quickbooks.objects.employee import Employee
from quickbooks.objects.estimate import Estimate
from quickbooks.objects.exchangerate import ExchangeRate
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.journalentry import JournalEntry
from quickbooks.objects.payment import Payment
from quickbooks.objects.paymentmethod import PaymentMethod
from quickbooks.objects.preferences import Preferences
from quickbooks.objects.purchase import Purchase
from quickbooks.objects.purchaseorder import PurchaseOrder
from quickbooks.objects.recurringtransaction import RecurringTransaction
from quickbooks.objects.refundreceipt import RefundReceipt
from quickbooks.objects.salesreceipt import SalesReceipt
from quickbooks.objects.taxagency import TaxAgency
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.taxrate import TaxRate
from quickbooks.objects.term import Term
from quickbooks.objects.timeactivity import TimeActivity
from quickbooks.objects.trackingclass import Class
from quickbooks.objects.transfer import Transfer
from quickbooks.objects.vendor import Vendor
from quickbooks.objects.vendorcredit import VendorCredit

# Nothing here takes a minute; whatever hangs is a failure that tells where.
faulthandler.dump_traceback_later(60, exit=True)

BASE, COMPANY = sys.argv[1], sys.argv[2]
REDIRECT = "http://localhost:8000/callback"
PAGE = 100

# Lists whose inactive names are hidden from those who do not ask about them.
LISTS = {
    Account: "account", Budget: "budget", Class: "class", CompanyCurrency: "company_currency", Customer: "customer",
    Department: "department", Employee: "employee", Item: "item", PaymentMethod: "payment_method",
    TaxCode: "tax_code", TaxRate: "tax_rate", Term: "term", Vendor: "vendor",
}
OTHERS = {
    Attachable: "attachable", Bill: "bill", BillPayment: "bill_payment", CompanyInfo: "company_info",
    CreditCardPayment: "credit_card_payment", CreditMemo: "credit_memo", CustomerType: "customer_type",
    Deposit: "deposit", Estimate: "estimate", ExchangeRate: "exchange_rate", Invoice: "invoice",
    JournalEntry: "journal_entry", Payment: "payment", Purchase: "purchase", PurchaseOrder: "purchase_order",
    RecurringTransaction: "recurring_transaction", RefundReceipt: "refund_receipt", SalesReceipt: "sales_receipt",
    TaxAgency: "tax_agency", TimeActivity: "time_activity", Transfer: "transfer", VendorCredit: "vendor_credit",
}


class Difference(Exception):
    """What was read is not what is true."""


# The emulator's control surface.

def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{BASE}/__emulator/{path}", data) as answer:
        return answer.read()


def truth(entity, **filters):
    """Every record that lives, as id: (version, total)."""
    lines = control(f"truth/{COMPANY}/{entity}?{urlencode(filters)}").splitlines()
    records = [json.loads(line) for line in lines]
    return {record["id"]: (record["version"], record["total"] and Decimal(record["total"])) for record in records}


def fault(text):
    control("faults", {"set": [f"{text},company={COMPANY},times=1"]})


# Comparing.

def same(what, read, expected):
    if read != expected:
        raise Difference(f"{what}: read {read!r}, the truth is {expected!r}")


def identity(record):
    if isinstance(record, RecurringTransaction):
        record = next(value for value in vars(record).values() if hasattr(value, "RecurringInfo"))
    if isinstance(record, ExchangeRate):
        return f"{record.SourceCurrencyCode}:{record.AsOfDate}", record
    return record.Id, record


def total(record):
    if isinstance(record, JournalEntry):
        lines = [line for line in record.Line if line.DetailType == "JournalEntryLineDetail"]
        return sum(Decimal(line.Amount) for line in lines if line.JournalEntryLineDetail.PostingType == "Debit")
    for member in ("TotalAmt", "Amount"):
        if hasattr(record, member):
            return Decimal(getattr(record, member))
    raise Difference(f"{type(record).__name__} {record.Id} has no total")


def same_records(what, rows, expected):
    """As many rows as there are records, each once, with its version and total; there must be some to be compared."""
    if not expected:
        raise Difference(f"{what}: the books hold none, so that nothing can be compared")
    read = dict(identity(row) for row in rows)
    same(f"{what}: distinct ids", len(read), len(rows))
    missing, foreign = expected.keys() - read.keys(), read.keys() - expected.keys()
    if missing or foreign:
        raise Difference(f"{what}: {len(missing)} missing {sorted(missing)[:5]}, {len(foreign)} too many {sorted(foreign)[:5]}")
    for key, (version, amount) in expected.items():
        if not isinstance(read[key], ExchangeRate):
            same(f"{what} {key}: SyncToken", read[key].SyncToken, version)
        if amount is not None:
            same(f"{what} {key}: total", total(read[key]), amount)
    return f"{len(read)} ids and versions, total {sum(amount or 0 for _, amount in expected.values())}"


def raised(kind, code, action):
    """The library's own exception, of exactly this class."""
    try:
        action()
    except exceptions.QuickbooksException as error:
        same("exception", (type(error).__name__, error.error_code), (kind.__name__, code))
        return error
    raise Difference(f"{kind.__name__} {code} was expected, nothing was raised")


def refused(action, name):
    """intuit-oauth's own exception about a token request."""
    try:
        action()
    except AuthClientError as error:
        same("refusal", (error.status_code, json.loads(error.content)["error"]), (400, name))
        if not error.intuit_tid:
            raise Difference("the refusal has no intuit_tid")
        return
    raise Difference(f"{name} was expected, nothing was raised")


# Connecting.

INFO = json.loads(control("info"))
OWN = next(company for company in INFO["companies"] if company["name"] == COMPANY)
ENVIRONMENT = OWN["environment"]

config.DISCOVERY_URL["sandbox"] = f"{BASE}/.well-known/openid_sandbox_configuration/"
config.DISCOVERY_URL["production"] = f"{BASE}/.well-known/openid_configuration/"
QuickBooks.sandbox_api_url_v3 = f"{BASE}/sandbox/v3"
QuickBooks.api_url_v3 = f"{BASE}/production/v3"


def authorization():
    return AuthClient(INFO["client_id"], INFO["client_secret"], REDIRECT, ENVIRONMENT)


def connected(auth, refresh_token=None):
    return QuickBooks(auth_client=auth, refresh_token=refresh_token, company_id=OWN["realm"], minorversion=75,
                      use_decimal=True)


def consent(auth, **extra):
    """What the browser would do at the consent page."""
    url = f"{auth.get_authorization_url([Scopes.ACCOUNTING])}&{urlencode({'company': COMPANY, **extra})}"
    back = requests.get(url, allow_redirects=False)
    same("consent page", back.status_code, 302)
    location = back.headers["Location"]
    same("redirect", location.split("?")[0], REDIRECT)
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


# The steps: each returns what it has seen.

def authorization_code(_):
    auth = authorization()
    granted = consent(auth)
    same("state", granted["state"], auth.state_token)
    same("realm", granted["realmId"], OWN["realm"])
    auth.get_bearer_token(granted["code"], realm_id=granted["realmId"])
    same("lifetime", auth.expires_in, 3600)
    count = Invoice.count(qb=connected(auth))
    same("invoices seen with that token", count, len(truth("invoice")))
    refused(lambda: authorization().get_bearer_token(granted["code"]), "invalid_grant")
    same("refusal", consent(auth, refuse=1)["error"], "access_denied")
    return "code exchanged once, refused twice"


def pages_of_invoices(qb):
    rows, start = [], 1
    while True:
        page = Invoice.all(order_by="Id", start_position=start, max_results=PAGE, qb=qb)
        rows += page
        if len(page) < PAGE:
            break
        start += PAGE
    return f"{start // PAGE + 1} pages, {same_records('invoice', rows, truth('invoice'))}"


def counts(qb):
    for kind, entity in ((Invoice, "invoice"), (Payment, "payment"), (JournalEntry, "journal_entry")):
        same(f"count of {entity}", kind.count(qb=qb), len(truth(entity)))
    days = {"from": "2026-06-20", "to": "2026-06-24"}
    where = "TxnDate >= '2026-06-20' AND TxnDate <= '2026-06-24'"
    expected = truth("invoice", by="txn-date", **days)
    same("count of a window", Invoice.count(where, qb=qb), len(expected))
    return f"{len(expected)} invoices of five days counted"


def filters(qb):
    where = "TxnDate >= '2026-06-22' AND TxnDate <= '2026-06-23'"
    rows = Invoice.where(where, order_by="TxnDate DESC", max_results=1000, qb=qb)
    seen = same_records("where TxnDate", rows, truth("invoice", by="txn-date", **{"from": "2026-06-22", "to": "2026-06-23"}))
    same("order", [row.TxnDate for row in rows], sorted((row.TxnDate for row in rows), reverse=True))
    where = "MetaData.LastUpdatedTime >= '2026-06-24T17:00:00-07:00' AND MetaData.LastUpdatedTime < '2026-06-26T00:00:00Z'"
    rows = Payment.where(where, max_results=1000, qb=qb)
    same_records("where LastUpdatedTime", rows, truth("payment", by="updated", **{"from": "2026-06-25", "to": "2026-06-25"}))
    everything = truth("invoice")
    chosen = list(everything)[3:40:7]
    same_records("choose", Invoice.choose(chosen, qb=qb), {key: everything[key] for key in chosen})
    first = rows_of(Customer, qb)[5]
    named = Customer.filter(DisplayName=first.DisplayName, qb=qb)
    same("filter by name", [row.Id for row in named], [first.Id])
    quoted = Customer.query("SELECT * FROM Customer WHERE DisplayName = 'Nobody\\'s & Sons'", qb=qb)
    same("filter by a name that nobody has", quoted, [])
    return seen


def reads_by_id(qb):
    seen = 0
    for kind, entity in ((Invoice, "invoice"), (Customer, "customer"), (Item, "item"), (TaxCode, "tax_code"),
                         (CreditCardPayment, "credit_card_payment")):
        expected = truth(entity)
        for key in list(expected)[:: max(1, len(expected) // 5)]:
            same_records(f"{entity} by id", [kind.get(key, qb=qb)], {key: expected[key]})
            seen += 1
    # The library's users name the company by its realm or by its id, which is 1.
    for key in (OWN["realm"], 1):
        same_records("company by id", [CompanyInfo.get(key, qb=qb)], truth("company_info"))
    same("preferences", Preferences.get(qb=qb).Id, "1")
    return f"{seen + 3} records"


def rows_of(kind, qb, where=""):
    """All rows, through the library's own paging arguments; without a condition as `all` asks."""
    rows, start = [], 1
    while True:
        if where:
            page = kind.where(where, start_position=start, max_results=1000, qb=qb)
        else:
            page = kind.all(start_position=start, max_results=1000, qb=qb)
        rows += page
        if len(page) < 1000:
            return rows
        start += 1000


def customers_and_items(qb):
    seen = []
    for kind in (Customer, Item):
        active, inactive = rows_of(kind, qb), rows_of(kind, qb, "Active = false")
        same("active by default", {row.Active for row in active}, {True})
        same_records(LISTS[kind], active + inactive, truth(LISTS[kind]))
        seen.append(f"{len(active)} + {len(inactive)} inactive {LISTS[kind]}s")
    stocked = [row for row in rows_of(Item, qb) if getattr(row, "Sku", None)]
    if not stocked:
        raise Difference("no item has its Sku, although the library asks for it")
    return ", ".join(seen)


def every_entity(qb):
    records = 0
    for kind, entity in {**LISTS, **OTHERS}.items():
        rows = rows_of(kind, qb, "Active IN (true, false)" if kind in LISTS else "")
        same_records(entity, rows, truth(entity))
        records += len(rows)
    return f"{len(LISTS) + len(OTHERS)} entities, {records} records"


def batches(qb):
    statements = {
        "invoices": "SELECT * FROM Invoice WHERE TxnDate = '2026-06-22' MAXRESULTS 1000",
        "purchases": "SELECT * FROM Purchase WHERE TxnDate = '2026-06-22' MAXRESULTS 1000",
        "vendors": "SELECT COUNT(*) FROM Vendor WHERE Active IN (true, false)",
        "wrong": "SELECT * FROM Nothing",
    }
    items = [{"bId": name, "Query": statement} for name, statement in statements.items()]
    answers = qb.batch_operation(json.dumps({"BatchItemRequest": items}))["BatchItemResponse"]
    answers = {answer["bId"]: answer for answer in answers}
    same("batch items", answers.keys(), statements.keys())
    day = {"by": "txn-date", "from": "2026-06-22", "to": "2026-06-22"}
    for name, kind, entity in (("invoices", Invoice, "invoice"), ("purchases", Purchase, "purchase")):
        rows = [kind.from_json(row) for row in answers[name]["QueryResponse"][kind.qbo_object_name]]
        same_records(f"batch of {name}", rows, truth(entity, **day))
    same("batch count", answers["vendors"]["QueryResponse"]["totalCount"], len(truth("vendor")))
    same("fault of an item", answers["wrong"]["Fault"]["Error"][0]["code"], "4001")
    # Writing is refused item by item, in the shape that the library takes apart.
    result = batch_update(Customer.all(max_results=3, qb=qb), qb=qb)
    same("faults of a writing batch", [error.code for found in result.faults for error in found.Error], ["500"] * 3)
    return f"{len(statements)} statements, one of them wrong; 3 writes refused"


def changes(qb):
    since = json.loads(control("clock"))["now"][:10]
    for kind in ("update", "delete", "void"):
        control("mutate", {"company": COMPANY, "entity": "invoice", "kind": kind, "count": 4})
    control("mutate", {"company": COMPANY, "entity": "customer", "kind": "update", "count": 3})
    told = change_data_capture([Invoice, Customer, Estimate], f"{since}T00:00:00Z", qb=qb)
    gone = [row for row in told.Invoice if getattr(row, "status", None) == "Deleted"]
    live = [row for row in told.Invoice if row not in gone]
    same("deleted", {row.Id for row in gone}, set(truth("invoice", deleted=1)))
    seen = same_records("changed invoices", live, truth("invoice", by="updated", **{"from": since}))
    same_records("changed customers", list(told.Customer), truth("customer", by="updated", **{"from": since}))
    same("entities without changes", hasattr(told, "Estimate"), False)
    same_records("invoices after the changes", rows_of(Invoice, qb), truth("invoice"))
    return f"{len(gone)} deleted, {seen}"


def errors(qb):
    raised(exceptions.ValidationException, 4000, lambda: Invoice.query("SELEC * FROM Invoice", qb=qb))
    raised(exceptions.ValidationException, 4001, lambda: Invoice.where("Nonsense = '1'", qb=qb))
    raised(exceptions.ObjectNotFoundException, 610, lambda: Invoice.get("999999999", qb=qb))
    fault("fault=500")
    raised(exceptions.SevereException, 10000, lambda: Invoice.count(qb=qb))
    fault("fault=200")
    raised(exceptions.SevereException, 10000, lambda: Invoice.count(qb=qb))
    # The throttle speaks XML, which the library reports as an answer that it cannot read.
    fault("throttle")
    throttled = raised(exceptions.QuickbooksException, 10000, lambda: Invoice.count(qb=qb))
    same("throttled", "ThrottleExceeded; errorCode=003001; statusCode=429" in throttled.message, True)
    qb.sandbox = not qb.sandbox
    wrong = raised(exceptions.QuickbooksException, 10000, lambda: Invoice.count(qb=qb))
    qb.sandbox = not qb.sandbox
    same("wrong environment", "status code '403'" in wrong.message and '"3100"' in wrong.message, True)
    return "parse, validation, not found, severe (500 and 200), throttled, wrong environment"


def tokens(qb):
    auth = qb.auth_client
    first = auth.refresh_token
    control("clock", {"step": 3601})
    expired = raised(exceptions.AuthorizationException, 401, lambda: Invoice.count(qb=qb))
    same("detail", "Token expired" in expired.detail, True)
    auth.refresh()
    same("refresh token within a day", auth.refresh_token, first)
    same("count with the new token", Invoice.count(qb=connected(auth)), len(truth("invoice")))
    control("clock", {"step": 26 * 3600})
    auth.refresh()
    same("refresh token after a day is another", auth.refresh_token == first, False)
    refused(lambda: authorization().refresh(first), "invalid_grant")
    same("revoked", auth.revoke(), True)
    raised(exceptions.AuthorizationException, 401, lambda: Invoice.count(qb=connected(auth)))
    refused(auth.refresh, "invalid_grant")
    return "expired, refreshed, rotated, revoked"


def main():
    qb = connected(authorization(), OWN["refresh_token"])
    print(f"ok    refresh token: connected to {COMPANY} ({ENVIRONMENT})")
    failures = 0
    for step in (authorization_code, pages_of_invoices, counts, filters, reads_by_id, customers_and_items,
                 every_entity, batches, changes, errors, tokens):
        name = step.__name__.replace("_", " ")
        try:
            print(f"ok    {name}: {step(qb)}", flush=True)
        except Difference as difference:
            failures += 1
            print(f"FAIL  {name}: {difference}", flush=True)
        except Exception:
            failures += 1
            print(f"FAIL  {name}:\n{traceback.format_exc()}", flush=True)
    return 1 if failures else 0


sys.exit(main())
