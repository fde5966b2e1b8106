//! Injected: variables that an orchestrator puts into every container, and that only look like settings.
//!
//! Kubernetes describes each Service of a namespace to every pod, in variables that begin with the Service's name: one
//! called `ledgerfleet` makes `LEDGERFLEET_PORT=tcp://10.0.0.7:8400`, `LEDGERFLEET_SERVICE_HOST` and more, and one called
//! `ledgerfleet-redis` makes `LEDGERFLEET_REDIS_PORT…`
//! (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>). Links between containers
//! of Docker make the same.

/// Whether nobody wrote this variable as a setting of ours. What ends in `_PORT` must hold an address, so that a person's
/// own `LEDGERFLEET_PORT=8400` is still told that there is no such setting.
pub(crate) fn is_injected(name: &str, value: &str) -> bool {
    is_service(name) || is_port_of_service(name) || (name.ends_with("_PORT") && is_address(value))
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_HTTP`.
fn is_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_")
}

/// `…_PORT_8400_TCP`, and the same with `_PROTO`, `_PORT` or `_ADDR` behind it.
fn is_port_of_service(name: &str) -> bool {
    let whole = ["_PROTO", "_PORT", "_ADDR"]
        .iter()
        .find_map(|part| name.strip_suffix(part))
        .unwrap_or(name);
    let without_protocol = ["_TCP", "_UDP", "_SCTP"]
        .iter()
        .find_map(|protocol| whole.strip_suffix(protocol));
    without_protocol
        .and_then(|rest| rest.rsplit_once("_PORT_"))
        .is_some_and(|(_, number)| number.parse::<u16>().is_ok())
}

fn is_address(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OPTIONS;

    #[test]
    fn what_an_orchestrator_writes_is_told_from_what_a_person_writes() {
        let injected = [
            ("LEDGERFLEET_SERVICE_HOST", "10.0.0.7"),
            ("LEDGERFLEET_SERVICE_PORT", "8400"),
            ("LEDGERFLEET_SERVICE_PORT_HTTP", "8400"),
            ("LEDGERFLEET_PORT", "tcp://10.0.0.7:8400"),
            ("LEDGERFLEET_PORT_8400_TCP", "tcp://10.0.0.7:8400"),
            ("LEDGERFLEET_PORT_8400_TCP_PROTO", "tcp"),
            ("LEDGERFLEET_PORT_8400_TCP_PORT", "8400"),
            ("LEDGERFLEET_PORT_8400_TCP_ADDR", "10.0.0.7"),
            ("LEDGERFLEET_REDIS_SERVICE_HOST", "10.0.0.8"),
            ("LEDGERFLEET_REDIS_PORT", "tcp://10.0.0.8:6379"),
            ("LEDGERFLEET_REDIS_PORT_6379_TCP_ADDR", "10.0.0.8"),
            ("LEDGERFLEET_DNS_PORT_53_UDP", "udp://10.0.0.9:53"),
        ];
        for (name, value) in injected {
            assert!(is_injected(name, value), "{name}={value}");
        }
        let written = [
            ("LEDGERFLEET_PORT", "8400"),
            ("LEDGERFLEET_REDIS_PORT", "6379"),
            ("LEDGERFLEET_HOST", "10.0.0.7"),
            ("LEDGERFLEET_PORT_8400", "tcp://10.0.0.7:8400"),
            ("LEDGERFLEET_SERVE_LISTEN", "tcp://10.0.0.7:8400"),
        ];
        for (name, value) in written {
            assert!(!is_injected(name, value), "{name}={value}");
        }
    }

    #[test]
    fn no_setting_of_ours_is_taken_for_one() {
        for option in OPTIONS {
            assert!(!is_injected(&option.variable(), "10.0.0.7"), "{}", option.key);
        }
    }
}
