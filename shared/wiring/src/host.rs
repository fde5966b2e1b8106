//! Host: the machine that a process runs on.

/// This machine's name, which tells people where something was done; `otherwise` where it has none.
pub fn host_or(otherwise: &str) -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { otherwise } else { name }.to_owned()
}
