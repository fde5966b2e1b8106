//! Entities: what can be copied out of Contífico. Adding one is adding a row to [`ENTITIES`].

use ledgerfleet_model::Axis;

use super::source::{Dated, LIST, Paging, Source, Written};
use crate::{EntityKind, EntitySpec, SourceSpec, Trust};

/// A list that is one array.
const WHOLE: EntitySpec = EntitySpec {
    name: "",
    upstream: "",
    table: "",
    kind: EntityKind::List,
    axes: &[],
    ahead: false,
    trust: Trust::OnePage,
    optional: false,
    in_all: true,
    total: None,
    source: SourceSpec::Contifico(LIST),
};

/// A list that can be asked for what has changed.
const CHANGING: EntitySpec = EntitySpec {
    axes: &[Axis::Updated],
    ..WHOLE
};

/// Documents of the register, of all kinds: a list of kinds would lack the next one. They are read by the day of their
/// emission, and tell nowhere that they have changed.
const REGISTER: EntitySpec = EntitySpec {
    kind: EntityKind::Document,
    axes: &[Axis::TxnDate],
    trust: Trust::SamePassTwice,
    total: Some("total"),
    ..WHOLE
};

/// The documents' list. A record of it is found under `documento/`.
const DOCUMENTS: Source = Source {
    list: "v1/registro/documento",
    item: Some("v1/documento"),
    paging: Paging::Results,
    dated: Some(Dated {
        on: Some("fecha_emision"),
    }),
    date: Some("fecha_emision"),
    ..LIST
};

/// Every resource, by name.
pub const ENTITIES: &[EntitySpec] = &[
    EntitySpec {
        name: "bank_accounts",
        upstream: "banco/cuenta",
        table: "contifico_bank_accounts",
        source: SourceSpec::Contifico(Source {
            list: "v1/banco/cuenta",
            names: &["numero"],
            ..LIST
        }),
        ..WHOLE
    },
    // What the days of its range mean is told in two ways, so it is read whole: 2,762 rows came in one answer in 16 s.
    EntitySpec {
        name: "bank_movements",
        upstream: "banco/movimiento",
        table: "contifico_bank_movements",
        source: SourceSpec::Contifico(Source {
            list: "v1/banco/movimiento",
            other_list: Some("v1/banco/movimiento_bancario"),
            date: Some("fecha_emision"),
            names: &["numero_comprobante"],
            ..LIST
        }),
        ..WHOLE
    },
    // Only companies with the setting "variable producto" have brands and variants.
    EntitySpec {
        name: "brands",
        upstream: "marca",
        table: "contifico_brands",
        optional: true,
        source: SourceSpec::Contifico(Source {
            list: "v1/marca",
            ..LIST
        }),
        ..WHOLE
    },
    EntitySpec {
        name: "categories",
        upstream: "categoria",
        table: "contifico_categories",
        source: SourceSpec::Contifico(Source {
            list: "v1/categoria",
            changed: Some(Written::DayFirst),
            ..LIST
        }),
        ..CHANGING
    },
    EntitySpec {
        name: "chart_of_accounts",
        upstream: "contabilidad/cuenta-contable",
        table: "contifico_chart_of_accounts",
        source: SourceSpec::Contifico(Source {
            list: "v1/contabilidad/cuenta-contable",
            names: &["codigo"],
            ..LIST
        }),
        ..WHOLE
    },
    EntitySpec {
        name: "cost_centers",
        upstream: "contabilidad/centro-costo",
        table: "contifico_cost_centers",
        source: SourceSpec::Contifico(Source {
            list: "v1/contabilidad/centro-costo",
            names: &["codigo"],
            ..LIST
        }),
        ..WHOLE
    },
    EntitySpec {
        name: "documents",
        upstream: "registro/documento",
        table: "contifico_documents",
        source: SourceSpec::Contifico(DOCUMENTS),
        ..REGISTER
    },
    EntitySpec {
        name: "inventory_movements",
        upstream: "movimiento-inventario",
        table: "contifico_inventory_movements",
        trust: Trust::UniqueIdsEqualCount,
        source: SourceSpec::Contifico(Source {
            list: "v2/movimiento-inventario",
            paging: Paging::Pages,
            dated: Some(Dated { on: None }),
            date: Some("fecha"),
            ..LIST
        }),
        ..REGISTER
    },
    // Version 1 has no documented list of them. Some are dated months ahead.
    EntitySpec {
        name: "journal_entries",
        upstream: "contabilidad/asiento",
        table: "contifico_journal_entries",
        ahead: true,
        trust: Trust::UniqueIdsEqualCount,
        total: None,
        source: SourceSpec::Contifico(Source {
            list: "v2/contabilidad/asiento",
            paging: Paging::Pages,
            dated: Some(Dated { on: None }),
            date: Some("fecha"),
            ..LIST
        }),
        ..REGISTER
    },
    // In version 1 all of their ids were null once, and nothing tells when they have changed.
    EntitySpec {
        name: "persons",
        upstream: "persona",
        table: "contifico_persons",
        trust: Trust::UniqueIdsEqualCount,
        source: SourceSpec::Contifico(Source {
            list: "v2/persona",
            paging: Paging::Pages,
            changed: Some(Written::Iso),
            names: &["cedula", "ruc"],
            ..LIST
        }),
        ..CHANGING
    },
    EntitySpec {
        name: "products",
        upstream: "producto",
        table: "contifico_products",
        trust: Trust::SamePassTwice,
        source: SourceSpec::Contifico(Source {
            list: "v1/producto",
            paging: Paging::Results,
            changed: Some(Written::DayFirst),
            names: &["codigo"],
            find_by: Some("codigo"),
            ..LIST
        }),
        ..CHANGING
    },
    EntitySpec {
        name: "purchases",
        upstream: "registro/documento?tipo_registro=PRO",
        table: "contifico_purchases",
        source: SourceSpec::Contifico(Source {
            register: Some("PRO"),
            ..DOCUMENTS
        }),
        ..REGISTER
    },
    EntitySpec {
        name: "registry_transactions",
        upstream: "registro/transaccion",
        table: "contifico_registry_transactions",
        trust: Trust::SamePassTwice,
        total: Some("total"),
        source: SourceSpec::Contifico(Source {
            list: "v1/registro/transaccion",
            paging: Paging::Results,
            date: Some("fecha_emision"),
            ..LIST
        }),
        ..WHOLE
    },
    EntitySpec {
        name: "remission_guides",
        upstream: "inventario/guia",
        table: "contifico_remission_guides",
        source: SourceSpec::Contifico(Source {
            list: "v1/inventario/guia",
            date: Some("fecha_emision"),
            names: &["numero_documento"],
            ..LIST
        }),
        ..WHOLE
    },
    EntitySpec {
        name: "sales",
        upstream: "registro/documento?tipo_registro=CLI",
        table: "contifico_sales",
        source: SourceSpec::Contifico(Source {
            register: Some("CLI"),
            ..DOCUMENTS
        }),
        ..REGISTER
    },
    EntitySpec {
        name: "variants",
        upstream: "variante",
        table: "contifico_variants",
        optional: true,
        source: SourceSpec::Contifico(Source {
            list: "v1/variante",
            changed: Some(Written::DayFirst),
            ..LIST
        }),
        ..CHANGING
    },
    EntitySpec {
        name: "warehouses",
        upstream: "bodega",
        table: "contifico_warehouses",
        source: SourceSpec::Contifico(Source {
            list: "v1/bodega",
            changed: Some(Written::DayFirst),
            names: &["codigo"],
            ..LIST
        }),
        ..CHANGING
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contifico::source::source;

    #[test]
    fn every_resource_has_a_name_a_table_and_a_list_of_its_own() {
        for entity in ENTITIES {
            assert_eq!(entity.table, format!("contifico_{}", entity.name));
            assert!(source(entity).list.starts_with('v'), "{}", entity.name);
            assert!(!source(entity).list.ends_with('/'), "{}", entity.name);
            assert_eq!(
                source(entity).dated.is_some(),
                entity.axes.contains(&Axis::TxnDate)
            );
            assert_eq!(
                source(entity).changed.is_some(),
                entity.axes.contains(&Axis::Updated)
            );
        }
        assert!(ENTITIES.is_sorted_by_key(|entity| entity.name));
        assert_eq!(ENTITIES.len(), 17);
    }
}
