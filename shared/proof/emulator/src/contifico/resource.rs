//! A resource: one list of the API, with its paths, its filters and what it can do.

use super::parameter::{Ask, Parameter, Written};

/// The two versions of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// Where records are kept. Purchases and sales are documents, and kept with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Categories,
    Brands,
    Variants,
    Products,
    Warehouses,
    Movements,
    Guides,
    Documents,
    Transactions,
    Persons,
    CostCenters,
    Accounts,
    Journals,
    BankAccounts,
    BankMovements,
}

/// One resource.
#[derive(Debug)]
pub(super) struct Resource {
    /// As Ledgerfleet's users and the truth call it.
    pub(super) name: &'static str,
    pub(super) table: Table,
    /// Of documents, only those of customers (`CLI`) or of providers (`PRO`).
    pub(super) register: Option<&'static str>,
    /// The path of its list under each version, without slashes at its ends.
    pub(super) v1: Option<Side>,
    pub(super) v2: Option<Side>,
    /// The version whose form the truth hashes unless asked for the other.
    pub(super) told: Version,
}

/// A resource under one version.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) path: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// Whether it was seen to honour `result_size` and `result_page`; version 2 has `page` everywhere.
    pub(super) pages: bool,
}

impl Resource {
    pub(super) fn side(&self, version: Version) -> Option<&Side> {
        match version {
            Version::V1 => self.v1.as_ref(),
            Version::V2 => self.v2.as_ref(),
        }
    }
}

const CHANGED_V1: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::ChangedFrom, Written::DayFirst),
    Parameter("fecha_final", Ask::ChangedTo, Written::DayFirst),
];

const fn side(path: &'static str, parameters: &'static [Parameter], pages: bool) -> Side {
    Side {
        path,
        parameters,
        pages,
    }
}

const fn resource(
    name: &'static str,
    table: Table,
    told: Version,
    v1: Option<Side>,
    v2: Option<Side>,
) -> Resource {
    Resource {
        name,
        table,
        register: None,
        v1,
        v2,
        told,
    }
}

const fn documents(name: &'static str, register: Option<&'static str>) -> Resource {
    Resource {
        name,
        table: Table::Documents,
        register,
        v1: Some(side("registro/documento", DOCUMENTS_V1, true)),
        v2: Some(side("documento", DOCUMENTS_V2, true)),
        told: Version::V1,
    }
}

use Version::{V1, V2};
use Written::{DayFirst, Either, Iso, Text};

const DOCUMENTS_V1: &[Parameter] = &[
    Parameter("tipo_registro", Ask::Register, Text),
    Parameter("tipo", Ask::Kind, Text),
    Parameter("fecha_emision", Ask::DatedOn, DayFirst),
    Parameter("fecha_vencimiento", Ask::DueOn, DayFirst),
    Parameter("fecha_creacion", Ask::CreatedOn, DayFirst),
    Parameter("fecha_inicial", Ask::DatedFrom, DayFirst),
    Parameter("fecha_final", Ask::DatedTo, DayFirst),
    Parameter("persona_identificacion", Ask::Identification, Text),
    Parameter("persona_id", Ask::Person, Text),
];

const DOCUMENTS_V2: &[Parameter] = &[
    Parameter("tipo_registro", Ask::Register, Text),
    Parameter("tipo", Ask::Kind, Text),
    Parameter("fecha_emision", Ask::DatedOn, DayFirst),
    Parameter("fecha_vencimiento", Ask::DueOn, DayFirst),
    Parameter("fecha_creacion", Ask::CreatedOn, DayFirst),
    Parameter("fecha_modificacion", Ask::ChangedOn, Iso),
    Parameter("fecha_inicial", Ask::DatedFrom, DayFirst),
    Parameter("fecha_final", Ask::DatedTo, DayFirst),
    Parameter("persona_identificacion", Ask::Identification, Text),
    Parameter("persona_id", Ask::Person, Text),
];

const PRODUCTS_V1: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::ChangedFrom, DayFirst),
    Parameter("fecha_final", Ask::ChangedTo, DayFirst),
    Parameter("filtro", Ask::Words, Text),
    Parameter("codigo", Ask::Code, Text),
];

const PRODUCTS_V2: &[Parameter] = &[
    Parameter("modificados_desde_fecha", Ask::ChangedFrom, Either),
    Parameter("fecha_inicial", Ask::ChangedFrom, Either),
    Parameter("fecha_final", Ask::ChangedTo, Either),
    Parameter("filtro", Ask::Words, Text),
    Parameter("estado", Ask::Standing, Text),
];

const MOVEMENTS_V1: &[Parameter] = &[
    Parameter("tipo", Ask::Kind, Text),
    Parameter("estado", Ask::Standing, Text),
];

const MOVEMENTS_V2: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::DatedFrom, Either),
    Parameter("fecha_final", Ask::DatedTo, Either),
    Parameter("tipo", Ask::Kind, Text),
    Parameter("estado", Ask::Standing, Text),
];

const PERSONS_V1: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::ChangedFrom, DayFirst),
    Parameter("fecha_final", Ask::ChangedTo, DayFirst),
    Parameter("identificacion", Ask::Identification, Text),
    Parameter("filtro", Ask::Words, Text),
];

const PERSONS_V2: &[Parameter] = &[
    Parameter("modificados_desde_fecha", Ask::ChangedFrom, Iso),
    Parameter("fecha_inicial", Ask::ChangedFrom, Iso),
    Parameter("fecha_final", Ask::ChangedTo, Iso),
    Parameter("search", Ask::Words, Text),
    Parameter("tipo", Ask::Kind, Text),
    Parameter("es_cliente", Ask::Customer, Text),
    Parameter("es_proveedor", Ask::Provider, Text),
];

const CATEGORIES_V2: &[Parameter] = &[
    Parameter("modificados_desde_fecha", Ask::ChangedFrom, Either),
    Parameter("search_exact", Ask::Words, Text),
];

const WAREHOUSES_V2: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::ChangedFrom, Either),
    Parameter("fecha_final", Ask::ChangedTo, Either),
];

const KINDS: &[Parameter] = &[Parameter("tipo", Ask::Kind, Text)];

const JOURNALS_V2: &[Parameter] = &[
    Parameter("fecha_inicial", Ask::DatedFrom, DayFirst),
    Parameter("fecha_final", Ask::DatedTo, DayFirst),
];

const BANK_MOVEMENTS: &[Parameter] = &[
    Parameter("fecha_emision", Ask::DatedOn, DayFirst),
    Parameter("fecha_inicial", Ask::BankFrom, DayFirst),
    Parameter("fecha_final", Ask::BankTo, DayFirst),
];

/// All seventeen. One more is a line here, its records and their text.
pub(super) const ALL: &[Resource] = &[
    resource(
        "categories",
        Table::Categories,
        V1,
        Some(side("categoria", CHANGED_V1, false)),
        Some(side("categoria", CATEGORIES_V2, true)),
    ),
    resource("brands", Table::Brands, V1, Some(side("marca", &[], false)), None),
    resource(
        "variants",
        Table::Variants,
        V1,
        Some(side("variante", CHANGED_V1, false)),
        None,
    ),
    resource(
        "products",
        Table::Products,
        V1,
        Some(side("producto", PRODUCTS_V1, true)),
        Some(side("producto", PRODUCTS_V2, true)),
    ),
    resource(
        "warehouses",
        Table::Warehouses,
        V1,
        Some(side("bodega", CHANGED_V1, false)),
        Some(side("bodega", WAREHOUSES_V2, true)),
    ),
    resource(
        "inventory_movements",
        Table::Movements,
        V2,
        Some(side("movimiento-inventario", MOVEMENTS_V1, true)),
        Some(side("movimiento-inventario", MOVEMENTS_V2, true)),
    ),
    resource(
        "remission_guides",
        Table::Guides,
        V1,
        Some(side("inventario/guia", &[], false)),
        None,
    ),
    documents("purchases", Some("PRO")),
    documents("sales", Some("CLI")),
    documents("documents", None),
    resource(
        "registry_transactions",
        Table::Transactions,
        V1,
        Some(side("registro/transaccion", &[], true)),
        None,
    ),
    resource(
        "persons",
        Table::Persons,
        V2,
        Some(side("persona", PERSONS_V1, false)),
        Some(side("persona", PERSONS_V2, true)),
    ),
    resource(
        "cost_centers",
        Table::CostCenters,
        V1,
        Some(side("contabilidad/centro-costo", KINDS, false)),
        None,
    ),
    resource(
        "chart_of_accounts",
        Table::Accounts,
        V1,
        Some(side("contabilidad/cuenta-contable", KINDS, false)),
        None,
    ),
    resource(
        "journal_entries",
        Table::Journals,
        V2,
        Some(side("contabilidad/asiento", &[], false)),
        Some(side("contabilidad/asiento", JOURNALS_V2, true)),
    ),
    resource(
        "bank_accounts",
        Table::BankAccounts,
        V1,
        Some(side("banco/cuenta", &[], false)),
        Some(side("banco/cuenta", &[], true)),
    ),
    resource(
        "bank_movements",
        Table::BankMovements,
        V1,
        Some(side("banco/movimiento", BANK_MOVEMENTS, false)),
        None,
    ),
];

/// The resource of that name.
pub(super) fn named(name: &str) -> Option<&'static Resource> {
    ALL.iter().find(|resource| resource.name == name)
}

/// Whether a resource bears that name.
pub(crate) fn knows(name: &str) -> bool {
    named(name).is_some()
}

/// The resource that lists a table whole.
pub(super) fn of_table(table: Table) -> &'static Resource {
    let whole = |resource: &&Resource| resource.table == table && resource.register.is_none();
    ALL.iter().find(whole).unwrap_or(&ALL[0])
}
