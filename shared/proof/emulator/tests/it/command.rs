use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

fn emulator(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emulator"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The answer to a plain request.
fn get(address: &str, path: &str) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .expect("a request sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[cfg(unix)]
#[test]
fn the_program_prints_its_url_and_stops_when_it_is_told_to() {
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--company",
        "acme=small:ca",
        "--rate",
        "50/s",
        "--fault",
        "html=503,nth=2",
        "--set",
        "cdc_cap=per_entity",
        "--set",
        "throttle-retry-after=7",
    ];
    let mut running = emulator(&arguments).spawn().unwrap();
    let mut stdout = BufReader::new(running.stdout.take().unwrap());
    let mut url = String::new();
    stdout.read_line(&mut url).unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let address = url.trim().strip_prefix("http://").unwrap();
    let switches = get(address, "/__emulator/faults");
    assert!(switches.contains(r#""cdc_cap":"per_entity""#), "{switches}");
    assert!(switches.contains(r#""throttle_retry_after":7"#), "{switches}");
    std::net::TcpStream::connect(url.trim().strip_prefix("http://").unwrap()).unwrap();
    let told = Command::new("kill")
        .args(["-TERM", &running.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert!(running.wait().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line is all it prints");
}

#[test]
fn a_flag_that_cannot_be_meant_is_explained() {
    for (arguments, why) in [
        (["--company", "huge"], "huge"),
        (["--rate", "fast"], "fast"),
        (["--fault", "explode"], "explode"),
        (["--days", "0"], "1 to 36600 days"),
        (["--as-of", "tomorrow"], "tomorrow"),
        (["--set", "cdc_cap"], "NAME=VALUE"),
        (["--set", "cdc_cap=sometimes"], "sometimes"),
        (["--set", "cdc_cup=per_entity"], "cdc_cup"),
    ] {
        let refused = emulator(&["--listen", "127.0.0.1:0"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(!refused.status.success());
        let explained = String::from_utf8(refused.stderr).unwrap();
        assert!(explained.contains(why), "{explained}");
        assert!(refused.stdout.is_empty());
    }
}
