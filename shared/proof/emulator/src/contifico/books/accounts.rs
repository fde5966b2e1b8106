//! The chart of accounts and the cost centers: the same for every company of the trade.

/// An account: its code, its name, and whether it groups others (`G`) or is written to (`C`).
pub(in crate::contifico) const CHART: &[(&str, &str, &str)] = &[
    ("1", "ACTIVO", "G"),
    ("1.1", "ACTIVO CORRIENTE", "G"),
    ("1.1.01", "CAJA GENERAL", "C"),
    ("1.1.02", "CLIENTES", "C"),
    ("1.1.03", "BANCOS", "C"),
    ("1.1.04", "INVENTARIO DE MERCADERÍA", "C"),
    ("1.1.05", "IVA EN COMPRAS", "C"),
    ("1.1.06", "MERCADERÍA EN TRÁNSITO", "C"),
    ("1.1.07", "TARJETAS POR COBRAR", "C"),
    ("1.2", "ACTIVO FIJO", "G"),
    ("1.2.01", "MUEBLES Y ENSERES", "C"),
    ("1.2.02", "DEPRECIACIÓN ACUMULADA", "C"),
    ("2", "PASIVO", "G"),
    ("2.1", "PASIVO CORRIENTE", "G"),
    ("2.1.01", "PROVEEDORES", "C"),
    ("2.1.02", "IVA EN VENTAS", "C"),
    ("2.1.03", "PROVISIONES POR PAGAR", "C"),
    ("3", "PATRIMONIO", "G"),
    ("3.1.01", "CAPITAL SOCIAL", "C"),
    ("4", "INGRESOS", "G"),
    ("4.1", "VENTAS", "G"),
    ("4.1.01", "VENTAS GRAVADAS", "C"),
    ("4.1.02", "VENTAS TARIFA 0 %", "C"),
    ("5", "COSTOS Y GASTOS", "G"),
    ("5.1", "COSTO DE VENTAS", "G"),
    ("5.1.01", "COSTO DE MERCADERÍA", "C"),
    ("5.1.02", "AJUSTES DE INVENTARIO", "C"),
    ("5.2", "GASTOS", "G"),
    ("5.2.01", "SUELDOS Y BENEFICIOS", "C"),
    ("5.2.02", "ARRIENDO \"LOCAL Nº 1\"", "C"),
    ("5.2.03", "DEPRECIACIÓN", "C"),
    ("5.2.04", "COMISIONES BANCARIAS", "C"),
];

/// A cost center: its code, its name, whether it is written to (`T`) or groups others (`G`), and its parent's place.
pub(in crate::contifico) const CENTERS: &[(&str, &str, &str, Option<u64>)] = &[
    ("1", "ALMACENES", "G", None),
    ("1.1", "ALMACÉN CENTRO", "T", Some(0)),
    ("1.2", "ALMACÉN NORTE", "T", Some(0)),
    ("1.3", "ISLA CENTRO COMERCIAL", "T", Some(0)),
    ("2", "ADMINISTRACIÓN", "G", None),
    ("2.1", "CONTABILIDAD", "T", Some(4)),
    ("2.2", "LOGÍSTICA ÁNDICA", "T", Some(4)),
];

/// The place of an account.
pub(in crate::contifico) fn account(code: &str) -> u64 {
    let place = CHART.iter().position(|(known, ..)| *known == code);
    u64::try_from(place.unwrap_or(0)).unwrap_or(0)
}
