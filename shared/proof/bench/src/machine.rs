//! Machine: where something was measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledgerfleet_testkit::postgres_program;
use serde::{Deserialize, Serialize};

/// Where something was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// What the processor calls itself.
    pub processor: String,
    /// How many of its cores there are.
    pub cores: usize,
    /// Memory, in GiB.
    pub memory: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The version of Postgres.
    pub postgres: String,
    /// The version of Redis.
    pub redis: String,
    /// The kind of filesystem that Postgres and everything else of a measurement is on; empty where it was not noted.
    #[serde(default)]
    pub filesystem: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let line_of = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory = line_of("/proc/meminfo", "MemTotal");
        let kibibytes = memory.split(' ').next().and_then(|number| number.parse().ok());
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: line_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes.unwrap_or(0_u64).div_ceil(1024 * 1024),
            kernel: kernel.trim().to_owned(),
            postgres: version(Command::new(postgres_program("postgres"))),
            redis: version(Command::new("redis-server")),
            filesystem: filesystem(
                &std::fs::read_to_string("/proc/self/mounts").unwrap_or_default(),
                &std::env::temp_dir(),
            ),
        }
    }
}

/// The kind of filesystem that a folder is on, by the system's list of mounts; empty where there is none.
fn filesystem(mounts: &str, folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        Some((PathBuf::from(fields.next()?), fields.next()?.to_owned()))
    };
    let around = mounts
        .lines()
        .filter_map(mount)
        .filter(|(point, _)| folder.starts_with(point));
    // The deepest; of several in one place, the one that was mounted last.
    let deepest = around.max_by_key(|(point, _)| point.components().count());
    deepest.map_or(String::new(), |(_, kind)| kind)
}

/// The first word of a program's own account of itself that is a number.
fn version(mut program: Command) -> String {
    let said = program
        .arg("--version")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let words = said.split([' ', '=', '\n']);
    let mut numbers = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    numbers.next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_the_filesystem_that_is_mounted_nearest() {
        let mounts =
            "/dev/vda / ext4 rw 0 0\nnone /none-such tmpfs rw 0 0\nnone /none-such/deep xfs rw 0 0\n";
        let on = |folder: &str| filesystem(mounts, Path::new(folder));
        assert_eq!(on("/none-such-either"), "ext4");
        assert_eq!(on("/none-such/folder"), "tmpfs");
        assert_eq!(on("/none-such/deep/folder"), "xfs");
        assert_eq!(filesystem("", Path::new("/none-such")), "");
    }
}
