// The JavaScript side: node-quickbooks and intuit-oauth, as published, against the emulator at the address given.
//
// Only their base addresses are changed. What they read is compared with the emulator's truth; the exit code is 1 on any
// difference. Arguments: where the libraries are installed, the emulator's address, the company.

import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'

// Nothing here takes a minute; whatever hangs is a failure.
setTimeout(() => {
  console.log('FAIL  it hangs')
  process.exit(1)
}, 60_000).unref()

const [scratch, base, company] = process.argv.slice(2)
const require = createRequire(`${scratch}/`)
const QuickBooks = require('node-quickbooks')
const OAuthClient = require('intuit-oauth')

const REDIRECT = 'http://localhost:8000/callback'
const PAGE = 100

// What the library finds, by its own names: the rows' key, the truth's entity, and whether inactive names are hidden.
const ENTITIES = [
  ['Accounts', 'Account', 'account', 'list'],
  ['Attachables', 'Attachable', 'attachable'],
  ['Bills', 'Bill', 'bill'],
  ['BillPayments', 'BillPayment', 'bill_payment'],
  ['Budgets', 'Budget', 'budget', 'list'],
  ['Classes', 'Class', 'class', 'list'],
  ['CompanyInfos', 'CompanyInfo', 'company_info'],
  ['CompanyCurrencies', 'CompanyCurrency', 'company_currency', 'list'],
  ['CreditMemos', 'CreditMemo', 'credit_memo'],
  ['Customers', 'Customer', 'customer', 'list'],
  ['CustomerTypes', 'CustomerType', 'customer_type'],
  ['Departments', 'Department', 'department', 'list'],
  ['Deposits', 'Deposit', 'deposit'],
  ['Employees', 'Employee', 'employee', 'list'],
  ['Estimates', 'Estimate', 'estimate'],
  ['ExchangeRates', 'ExchangeRate', 'exchange_rate'],
  ['Invoices', 'Invoice', 'invoice'],
  ['Items', 'Item', 'item', 'list'],
  ['JournalCodes', 'JournalCode', 'journal_code', 'list'],
  ['JournalEntries', 'JournalEntry', 'journal_entry'],
  ['Payments', 'Payment', 'payment'],
  ['PaymentMethods', 'PaymentMethod', 'payment_method', 'list'],
  ['Preferenceses', 'Preferences', 'preferences'],
  ['Purchases', 'Purchase', 'purchase'],
  ['PurchaseOrders', 'PurchaseOrder', 'purchase_order'],
  ['RefundReceipts', 'RefundReceipt', 'refund_receipt'],
  ['SalesReceipts', 'SalesReceipt', 'sales_receipt'],
  ['TaxAgencies', 'TaxAgency', 'tax_agency'],
  ['TaxCodes', 'TaxCode', 'tax_code', 'list'],
  ['TaxRates', 'TaxRate', 'tax_rate', 'list'],
  ['Terms', 'Term', 'term', 'list'],
  ['TimeActivities', 'TimeActivity', 'time_activity'],
  ['Transfers', 'Transfer', 'transfer'],
  ['Vendors', 'Vendor', 'vendor', 'list'],
  ['VendorCredits', 'VendorCredit', 'vendor_credit'],
]

class Difference extends Error {}

// The emulator's control surface.

async function control(path, body) {
  const answer = await fetch(`${base}/__emulator/${path}`, body && { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.text()
}

/** Every record that lives: its version, and its total in cents, by id. */
async function truth(entity, filters = {}) {
  const lines = (await control(`truth/${company}/${entity}?${new URLSearchParams(filters)}`)).split('\n')
  const records = lines.filter(Boolean).map((line) => JSON.parse(line))
  const cents = (total) => (total === null ? null : Number(total.replace('.', '')))
  return new Map(records.map(({ id, version, total }) => [id, { version, total: cents(total) }]))
}

const fault = (text) => control('faults', { set: [`${text},company=${company},times=1`] })

// Comparing.

function same(what, read, expected) {
  if (!isDeepStrictEqual(read, expected)) {
    throw new Difference(`${what}: read ${JSON.stringify(read)}, the truth is ${JSON.stringify(expected)}`)
  }
}

const identity = (row) => row.Id ?? `${row.SourceCurrencyCode}:${row.AsOfDate}`

function total(row) {
  const debits = (row.Line ?? []).filter((line) => line.JournalEntryLineDetail?.PostingType === 'Debit')
  if (debits.length > 0) return debits.reduce((sum, line) => sum + Math.round(line.Amount * 100), 0)
  return Math.round((row.TotalAmt ?? row.Amount) * 100)
}

/** As many rows as there are records, each once, with its version and total; there must be some to be compared. */
function sameRecords(what, rows, expected) {
  if (expected.size === 0) throw new Difference(`${what}: the books hold none, so that nothing can be compared`)
  const read = new Map(rows.map((row) => [identity(row), row]))
  same(`${what}: distinct ids`, read.size, rows.length)
  const missing = [...expected.keys()].filter((id) => !read.has(id))
  const foreign = [...read.keys()].filter((id) => !expected.has(id))
  if (missing.length + foreign.length > 0) {
    throw new Difference(`${what}: ${missing.length} missing ${missing.slice(0, 5)}, ${foreign.length} too many ${foreign.slice(0, 5)}`)
  }
  let sum = 0
  for (const [id, record] of expected) {
    if (read.get(id).Id) same(`${what} ${id}: SyncToken`, read.get(id).SyncToken, record.version)
    if (record.total === null) continue
    same(`${what} ${id}: total`, total(read.get(id)), record.total)
    sum += record.total
  }
  return `${read.size} ids and versions, total ${(sum / 100).toFixed(2)}`
}

/** What a promise is rejected with. */
async function rejection(promise) {
  const outcome = await promise.then(() => null, (error) => error)
  if (outcome === null) throw new Difference('an error was expected, there was none')
  return outcome
}

// Connecting.

const info = JSON.parse(await control('info'))
const own = info.companies.find(({ name }) => name === company)
const sandbox = own.environment === 'sandbox'

// The library itself takes `sandbox-` away for production; the emulator has a path for each.
QuickBooks.V3_ENDPOINT_BASE_URL = `${base}/${own.environment}/v3/company/`
QuickBooks.TOKEN_URL = `${base}/oauth2/v1/tokens/bearer`
QuickBooks.REVOKE_URL = `${base}/v2/oauth2/tokens/revoke`

/** A client of node-quickbooks whose callbacks are promises. */
function connection(token, refreshToken) {
  const { client_id: id, client_secret: secret } = info
  const client = new QuickBooks(id, secret, token, false, own.realm, sandbox, false, 75, '2.0', refreshToken)
  const call = (method, ...values) =>
    new Promise((resolve, reject) => {
      client[method](...values, (error, data) => (error ? reject(error) : resolve(data)))
    })
  return { client, call }
}

/** A client of intuit-oauth. */
function authorization() {
  const { client_id: clientId, client_secret: clientSecret } = info
  const auth = new OAuthClient({ clientId, clientSecret, redirectUri: REDIRECT, environment: own.environment })
  OAuthClient.environment[own.environment] = `${base}/${own.environment}/`
  return auth.setAuthorizeURLs({
    authorizeEndpoint: `${base}/connect/oauth2`,
    tokenEndpoint: QuickBooks.TOKEN_URL,
    revokeEndpoint: QuickBooks.REVOKE_URL,
    userInfoEndpoint: `${base}/v1/openid_connect/userinfo`,
  })
}

const find = async ({ call }, [method, key], criteria) =>
  (await call(`find${method}`, criteria)).QueryResponse[key] ?? []

const everything = (list) => [
  { field: 'fetchAll', value: true },
  ...(list ? [{ field: 'Active', value: [true, false], operator: 'IN' }] : []),
]

const INVOICES = ENTITIES.find(([, key]) => key === 'Invoice')

// The steps: each tells what it has seen.

async function authorizationCode() {
  const auth = authorization()
  const page = auth.authorizeUri({ scope: [OAuthClient.scopes.Accounting], state: 'a state' })
  const back = await fetch(`${page}&company=${company}`, { redirect: 'manual' })
  same('consent page', back.status, 302)
  const location = back.headers.get('location')
  await auth.createToken(location)
  const token = auth.getToken()
  same('realm and state', [token.realmId, token.state], [own.realm, 'a state'])
  same('lifetime', [auth.isAccessTokenValid(), token.token_type, token.expires_in], [true, 'bearer', 3600])
  const statement = encodeURIComponent('SELECT COUNT(*) FROM Invoice')
  const url = `v3/company/${own.realm}/query?query=${statement}`
  const { json } = await auth.makeApiCall({ url })
  same('invoices seen with that token', json.QueryResponse.totalCount, (await truth('invoice')).size)
  const again = await rejection(authorization().createToken(location))
  same('the code again', [again.authResponse.response.status, again.error], [400, 'invalid_grant'])
  const wrong = await rejection(auth.makeApiCall({ url: `v3/company/${own.realm}/query?query=SELEC` }))
  same('a statement that cannot be read', [wrong.code, wrong.faultType], ['4000', 'ValidationFault'])
  await fault('throttle')
  same('throttled', (await rejection(auth.makeApiCall({ url }))).code, 'RATE_LIMIT_EXCEEDED')
  return 'code exchanged once, refused once; a count, a fault and a throttled call through intuit-oauth'
}

async function pagesOfInvoices(qb) {
  const rows = []
  let page
  for (let offset = 1; page === undefined || page.length === PAGE; offset += PAGE) {
    page = await find(qb, INVOICES, { limit: PAGE, offset, asc: 'Id' })
    rows.push(...page)
  }
  const pages = Math.floor(rows.length / PAGE) + 1
  const own = sameRecords('invoice', rows, await truth('invoice'))
  const all = await find(qb, INVOICES, { fetchAll: true, limit: PAGE })
  sameRecords('invoice by fetchAll', all, await truth('invoice'))
  return `${pages} pages, twice, ${own}`
}

async function counts({ call }) {
  const count = async (method, criteria) => (await call(method, criteria)).QueryResponse.totalCount
  same('invoices', await count('findInvoices', { count: true }), (await truth('invoice')).size)
  same('payments', await count('findPayments', [{ count: true }]), (await truth('payment')).size)
  const days = { by: 'txn-date', from: '2026-06-20', to: '2026-06-24' }
  const window = [
    { field: 'TxnDate', value: days.from, operator: '>=' },
    { field: 'TxnDate', value: days.to, operator: '<=' },
    { count: true },
  ]
  const expected = (await truth('invoice', days)).size
  same('invoices of five days', await count('findInvoices', window), expected)
  return `${expected} invoices of five days counted`
}

async function filters(qb) {
  const day = await find(qb, INVOICES, { TxnDate: '2026-06-23', limit: 1000 })
  const seen = sameRecords('where TxnDate', day, await truth('invoice', { by: 'txn-date', from: '2026-06-23', to: '2026-06-23' }))
  const updated = [
    { field: 'MetaData.LastUpdatedTime', value: '2026-06-25T02:00:00+02:00', operator: '>=' },
    { field: 'MetaData.LastUpdatedTime', value: '2026-06-25T17:00:00-07:00', operator: '<' },
    { field: 'limit', value: 1000 },
    { field: 'desc', value: 'MetaData.LastUpdatedTime' },
  ]
  const late = await find(qb, ['Payments', 'Payment'], updated)
  sameRecords('where LastUpdatedTime', late, await truth('payment', { by: 'updated', from: '2026-06-25', to: '2026-06-25' }))
  const all = await truth('invoice')
  const chosen = [...all.keys()].filter((_, index) => index % 97 === 0)
  const picked = await find(qb, INVOICES, { Id: chosen, limit: 1000 })
  sameRecords('where Id IN', picked, new Map(chosen.map((id) => [id, all.get(id)])))
  const [some] = await find(qb, ['Customers', 'Customer'], { limit: 1, offset: 7 })
  const named = await find(qb, ['Customers', 'Customer'], [
    { field: 'DisplayName', value: `${some.DisplayName.slice(0, -1)}%`, operator: 'LIKE' },
  ])
  same('where DisplayName LIKE', named.some(({ Id }) => Id === some.Id), true)
  same('a name that nobody has', await find(qb, ['Customers', 'Customer'], { DisplayName: "Nobody's #1 & Sons + 100%" }), [])
  return seen
}

async function readsById({ call }) {
  let records = 0
  const some = [['Invoice', 'invoice'], ['Customer', 'customer'], ['Item', 'item'], ['TaxCode', 'tax_code'], ['JournalEntry', 'journal_entry']]
  for (const [name, entity] of some) {
    const all = await truth(entity)
    const step = Math.max(1, Math.floor(all.size / 5))
    for (const id of [...all.keys()].filter((_, index) => index % step === 0)) {
      sameRecords(`${entity} by id`, [await call(`get${name}`, id)], new Map([[id, all.get(id)]]))
      records += 1
    }
  }
  // The library's users name the company by its realm or by its id, which is 1.
  for (const id of [own.realm, '1']) {
    sameRecords('company by id', [await call('getCompanyInfo', id)], await truth('company_info'))
  }
  sameRecords('preferences', [await call('getPreferences')], await truth('preferences'))
  const [rate] = (await truth('exchange_rate')).keys()
  const [sourcecurrencycode, asofdate] = rate.split(':')
  const read = await call('getExchangeRate', { sourcecurrencycode, asofdate })
  same('exchange rate', identity(read.ExchangeRate), rate)
  return `${records + 4} records`
}

async function customersAndItems(qb) {
  const seen = []
  for (const entity of ENTITIES.filter(([, key]) => key === 'Customer' || key === 'Item')) {
    const active = await find(qb, entity, { fetchAll: true })
    const inactive = await find(qb, entity, { fetchAll: true, Active: false })
    same('active by default', active.every(({ Active }) => Active), true)
    sameRecords(entity[2], [...active, ...inactive], await truth(entity[2]))
    seen.push(`${active.length} + ${inactive.length} inactive ${entity[2]}s`)
  }
  return seen.join(', ')
}

async function everyEntity(qb) {
  let records = 0
  for (const entity of ENTITIES) {
    const rows = await find(qb, entity, everything(entity[3]))
    sameRecords(entity[2], rows, await truth(entity[2]))
    records += rows.length
  }
  return `${ENTITIES.length} entities, ${records} records`
}

async function batches({ call }) {
  const items = [
    { bId: 'invoices', Query: "select * from Invoice where TxnDate = '2026-06-22' maxresults 1000" },
    { bId: 'purchases', Query: "select * from Purchase where TxnDate = '2026-06-22' maxresults 1000" },
    { bId: 'vendors', Query: 'select count(*) from Vendor where Active in (true, false)' },
    { bId: 'wrong', Query: 'select * from Nothing' },
    { bId: 'write', operation: 'create', Customer: { DisplayName: 'New' } },
  ]
  const answers = new Map((await call('batch', items)).BatchItemResponse.map((item) => [item.bId, item]))
  same('items', [...answers.keys()].sort(), items.map(({ bId }) => bId).sort())
  const day = { by: 'txn-date', from: '2026-06-22', to: '2026-06-22' }
  sameRecords('batch of invoices', answers.get('invoices').QueryResponse.Invoice, await truth('invoice', day))
  sameRecords('batch of purchases', answers.get('purchases').QueryResponse.Purchase, await truth('purchase', day))
  same('batch count', answers.get('vendors').QueryResponse.totalCount, (await truth('vendor')).size)
  same('wrong entity', answers.get('wrong').Fault.Error[0].code, '4001')
  same('write', answers.get('write').Fault.Error[0].code, '500')
  return '3 statements, a wrong one and a write, which are refused'
}

async function changes(qb) {
  const since = JSON.parse(await control('clock')).now.slice(0, 10)
  for (const kind of ['update', 'delete', 'void']) {
    await control('mutate', { company, entity: 'invoice', kind, count: 4 })
  }
  await control('mutate', { company, entity: 'customer', kind: 'update', count: 3 })
  const told = await qb.call('changeDataCapture', ['Invoice', 'Customer', 'Estimate'], `${since}T00:00:00Z`)
  const blocks = told.CDCResponse[0].QueryResponse
  const rows = (key) => blocks.flatMap((block) => block[key] ?? [])
  const gone = rows('Invoice').filter(({ status }) => status === 'Deleted')
  const live = rows('Invoice').filter(({ status }) => status !== 'Deleted')
  same('deleted', gone.map(identity).sort(), [...(await truth('invoice', { deleted: 1 })).keys()].sort())
  const seen = sameRecords('changed invoices', live, await truth('invoice', { by: 'updated', from: since }))
  sameRecords('changed customers', rows('Customer'), await truth('customer', { by: 'updated', from: since }))
  same('entities without changes', rows('Estimate'), [])
  sameRecords('invoices after the changes', await find(qb, INVOICES, everything()), await truth('invoice'))
  return `${gone.length} deleted, ${seen}`
}

async function errors({ client, call }) {
  const failed = async (promise) => {
    const { response } = await rejection(promise)
    return [response.status, (response.data.Fault?.Error ?? response.data.fault?.error)?.[0].code ?? response.data]
  }
  same('parse error', await failed(call('findInvoices', ' where where')), [400, '4000'])
  same('no such property', await failed(call('findInvoices', { Nonsense: '1' })), [400, '4001'])
  same('no such record', await failed(call('getInvoice', '999999999')), [400, '610'])
  await fault('fault=500')
  same('severe error', await failed(call('findInvoices', { count: true })), [500, '10000'])
  await fault('fault=200')
  const hidden = await rejection(call('findInvoices', { count: true }))
  same('severe error under 200', (hidden.Fault ?? hidden.cause?.Fault).Error[0].code, '10000')
  await fault('throttle')
  const [status, body] = await failed(call('findInvoices', { count: true }))
  same('throttled', [status, body.includes('ThrottleExceeded; errorCode=003001')], [429, true])
  const right = client.endpoint
  client.endpoint = `${base}/${sandbox ? 'production' : 'sandbox'}/v3/company/`
  same('wrong environment', await failed(call('findInvoices', { count: true })), [403, '3100'])
  client.endpoint = right
  return 'parse, validation, not found, severe (500 and 200), throttled, wrong environment'
}

async function tokens({ client, call }) {
  const first = client.refreshToken
  const count = async () => (await call('findInvoices', { count: true })).QueryResponse.totalCount
  await control('clock', { step: 3601 })
  const expired = (await rejection(count())).response
  same('expired', [expired.status, expired.data.fault.error[0].detail], [401, 'Token expired'])
  await call('refreshAccessToken')
  same('refresh token within a day', client.refreshToken, first)
  same('count with the new token', await count(), (await truth('invoice')).size)
  await control('clock', { step: 26 * 3600 })
  await call('refreshAccessToken')
  same('refresh token after a day is another', client.refreshToken === first, false)
  const refused = async (promise) => {
    const { response } = await rejection(promise)
    return [response.status, response.data.error]
  }
  same('superseded refresh token', await refused(connection('', first).call('refreshAccessToken')), [400, 'invalid_grant'])
  const { token, refreshToken } = client
  await call('revokeAccess', true)
  const after = connection(token, refreshToken)
  same('revoked access', (await rejection(after.call('findInvoices', { count: true }))).response.status, 401)
  same('revoked refresh token', await refused(after.call('refreshAccessToken')), [400, 'invalid_grant'])
  return 'expired, refreshed, rotated, revoked'
}

const qb = connection('', own.refresh_token)
await qb.call('refreshAccessToken')
console.log(`ok    refresh token: connected to ${company} (${own.environment})`)
const steps = { authorizationCode, pagesOfInvoices, counts, filters, readsById, customersAndItems, everyEntity, batches, changes, errors, tokens }
for (const [name, step] of Object.entries(steps)) {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  try {
    console.log(`ok    ${words}: ${await step(qb)}`)
  } catch (error) {
    process.exitCode = 1
    console.log(`FAIL  ${words}: ${error instanceof Difference ? error.message : error.stack}`)
  }
}
