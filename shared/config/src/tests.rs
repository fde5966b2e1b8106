//! Precedence, refusals and what may be shown.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::{ConfigError, Environment, FlagValue, Inputs, LogFormat, Origin, Settings};

fn inputs(directory: &TempDir, variables: &[(&str, &str)]) -> Inputs {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Inputs {
        working_directory: directory.path().to_owned(),
        environment: variables.collect::<Environment>(),
        ..Inputs::default()
    }
}

fn write(directory: &TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn origin(settings: &Settings, key: &str) -> Option<Origin> {
    settings
        .shown()
        .iter()
        .find(|shown| shown.key == key)
        .unwrap()
        .origin
        .clone()
}

#[test]
fn the_defaults_alone_are_one_process_with_the_models_timings() {
    let directory = TempDir::new().unwrap();
    let settings = Settings::load(&inputs(&directory, &[])).unwrap();
    assert_eq!(
        settings.shape.embedded_path(),
        Some(directory.path().join("ledgerfleet.db").as_path())
    );
    assert_eq!(settings.timings, ledgerfleet_model::Timings::default());
    assert_eq!(settings.page_size, 1_000);
    assert_eq!(settings.worker.concurrency, 16);
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert!(
        settings
            .master_key_file()
            .unwrap()
            .ends_with("ledgerfleet.db.key")
    );
}

#[test]
fn the_spool_is_beside_the_file_or_at_one_place_of_the_machine_unless_it_is_named() {
    let directory = TempDir::new().unwrap();
    let spool = |variables: &[(&str, &str)]| Settings::load(&inputs(&directory, variables)).unwrap().spool();
    let (database, redis) = (
        ("LEDGERFLEET_DATABASE_URL", "postgres://localhost/books"),
        ("LEDGERFLEET_REDIS_URL", "redis://localhost"),
    );
    assert_eq!(spool(&[]), directory.path().join("ledgerfleet.db.spool"));
    assert_eq!(spool(&[database, redis]), Path::new("/var/lib/ledgerfleet/spool"));
    let named = ("LEDGERFLEET_SPOOL_DIR", "kept");
    assert_eq!(spool(&[database, redis, named]), directory.path().join("kept"));
}

#[test]
fn a_flag_beats_the_environment_which_beats_dotenv_which_beats_the_file_which_beats_the_default() {
    let directory = TempDir::new().unwrap();
    let page_size = |inputs: &Inputs| Settings::load(inputs).unwrap().page_size;
    let mut inputs = inputs(&directory, &[]);
    write(&directory, "ledgerfleet.toml", "page_size = 1\n");
    assert_eq!(page_size(&inputs), 1);
    write(&directory, ".env", "LEDGERFLEET_PAGE_SIZE=2\n");
    assert_eq!(page_size(&inputs), 2);
    inputs.environment = [("LEDGERFLEET_PAGE_SIZE".to_owned(), "3".to_owned())]
        .into_iter()
        .collect();
    assert_eq!(page_size(&inputs), 3);
    let flag = FlagValue {
        key: "page_size",
        flag: "--page-size",
        value: "4".to_owned(),
    };
    inputs.flags.push(flag);
    let settings = Settings::load(&inputs).unwrap();
    assert_eq!(settings.page_size, 4);
    assert_eq!(origin(&settings, "page_size"), Some(Origin::Flag("--page-size")));
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "ledgerfleet.toml",
        "[quickbooks]\nclient_idd = \"x\"\n",
    );
    let error = Settings::load(&inputs(&directory, &[])).unwrap_err();
    assert!(error.to_string().contains("quickbooks.client_idd"), "{error}");
    assert_eq!(error.advice(), "did you mean `quickbooks.client_id`?");
}

#[test]
fn an_unknown_section_is_refused_even_when_it_is_empty() {
    let directory = TempDir::new().unwrap();
    write(&directory, "ledgerfleet.toml", "[quickbook]\n");
    let error = Settings::load(&inputs(&directory, &[])).unwrap_err();
    assert!(matches!(error, ConfigError::Unknown { .. }), "{error}");
}

#[test]
fn an_unknown_variable_of_ours_is_refused_and_others_are_left_alone() {
    let directory = TempDir::new().unwrap();
    let error = Settings::load(&inputs(&directory, &[("LEDGERFLEET_PAGESIZE", "1")])).unwrap_err();
    assert_eq!(error.advice(), "did you mean `LEDGERFLEET_PAGE_SIZE`?");
    Settings::load(&inputs(&directory, &[("PAGESIZE", "1")])).unwrap();
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let directory = TempDir::new().unwrap();
    let settings = Settings::load(&inputs(&directory, &[("LEDGERFLEET_REDIS_URL", "")])).unwrap();
    assert!(settings.shape.embedded_path().is_some());
}

#[test]
fn a_secret_is_read_from_its_file_without_the_trailing_newline() {
    let directory = TempDir::new().unwrap();
    let path = write(&directory, "secret", "  s3cret \n");
    let variables = [(
        "LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET_FILE",
        path.to_str().unwrap(),
    )];
    let settings = Settings::load(&inputs(&directory, &variables)).unwrap();
    assert_eq!(
        settings.quickbooks.client_secret.unwrap().expose_secret(),
        "  s3cret "
    );
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    type Named = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
    );
    let named: [Named; 4] = [
        ("secret", "s3cret\n", &[("LEDGERFLEET_MASTER_KEY_FILE", "secret")]),
        (".env", "LEDGERFLEET_MASTER_KEY=s3cret\n", &[]),
        ("ledgerfleet.toml", "master_key = 's3cret'\n", &[]),
        ("ledgerfleet.toml", "page_size = 500\n", &[]),
    ];
    for (name, text, variables) in named {
        let directory = TempDir::new().unwrap();
        let path = write(&directory, name, text);
        let has_secret = u32::from(text.contains("s3cret"));
        for (mode, open) in [(0o644, 1), (0o622, 1), (0o640, 1), (0o600, 0), (0o400, 0)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let settings = Settings::load(&inputs(&directory, variables)).unwrap();
            let told = u32::try_from(settings.warnings.len()).unwrap();
            assert_eq!(
                told,
                open * has_secret,
                "{name} {mode:o}: {:?}",
                settings.warnings
            );
        }
    }
}

#[test]
fn two_sources_for_one_secret_are_refused() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("LEDGERFLEET_MASTER_KEY", "x"),
        ("LEDGERFLEET_MASTER_KEY_FILE", "y"),
    ];
    let error = Settings::load(&inputs(&directory, &variables)).unwrap_err();
    assert!(matches!(error, ConfigError::TwoSources { .. }), "{error}");
}

#[test]
fn no_secret_is_shown_or_debugged() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("LEDGERFLEET_DATABASE_URL", "postgres://me:canary@localhost/books"),
        ("LEDGERFLEET_REDIS_URL", "redis://:canary@localhost"),
        ("LEDGERFLEET_MASTER_KEY", "canary"),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET", "canary"),
    ];
    let inputs = inputs(&directory, &variables);
    let settings = Settings::load(&inputs).unwrap();
    let everything = format!("{settings:?} {:?} {inputs:?}", settings.shown());
    assert!(!everything.contains("canary"), "{everything}");
    let shown = settings
        .shown()
        .iter()
        .find(|shown| shown.key == "master_key")
        .unwrap();
    assert_eq!(shown.value, "set");
}

#[test]
fn an_endpoint_beyond_this_machine_needs_leave() {
    let directory = TempDir::new().unwrap();
    let load = |url: &str, leave: &str| {
        let variables = [
            ("LEDGERFLEET_QUICKBOOKS_API_URL", url),
            ("LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS", leave),
        ];
        Settings::load(&inputs(&directory, &variables)).map(|settings| settings.quickbooks.api_url)
    };
    assert_eq!(
        load("http://127.0.0.1:8401/", "").unwrap().unwrap(),
        "http://127.0.0.1:8401"
    );
    assert!(load("http://[::1]:8401", "").is_ok());
    for evil in [
        "https://example.com",
        "http://127.0.0.1.example.com",
        "http://169.254.169.254",
    ] {
        assert!(
            matches!(load(evil, ""), Err(ConfigError::CustomEndpoint { .. })),
            "{evil}"
        );
    }
    for wrong in [
        "http://localhost@example.com",
        "file:///etc/passwd",
        "localhost:8401",
    ] {
        assert!(
            matches!(load(wrong, "true"), Err(ConfigError::Invalid { .. })),
            "{wrong}"
        );
    }
    assert!(load("https://example.com", "true").is_ok());
    assert!(load("http://emulator:8401", "true").is_ok());
    assert!(
        !load("http://me:canary@localhost", "")
            .unwrap_err()
            .to_string()
            .contains("canary")
    );
}

#[test]
fn values_out_of_range_are_refused_with_where_they_come_from() {
    let directory = TempDir::new().unwrap();
    for (name, value) in [
        ("LEDGERFLEET_PAGE_SIZE", "0"),
        ("LEDGERFLEET_PAGE_SIZE", "1001"),
        ("LEDGERFLEET_PAGE_SIZE", "many"),
        ("LEDGERFLEET_WORKER_CONCURRENCY", "0"),
        ("LEDGERFLEET_TIME_SCALE", "-1"),
        ("LEDGERFLEET_TIME_SCALE", "NaN"),
        ("LEDGERFLEET_TIMINGS_LEASE", "20"),
        ("LEDGERFLEET_TIMINGS_LEASE", "0s"),
        ("LEDGERFLEET_LOG_FORMAT", "xml"),
        ("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "0"),
        ("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "1e-300"),
        ("LEDGERFLEET_QUICKBOOKS_REQUESTS_PER_SECOND", "NaN"),
        ("LEDGERFLEET_QUICKBOOKS_SLOTS", "0"),
        ("LEDGERFLEET_ALLOW_CUSTOM_ENDPOINTS", "maybe"),
        ("LEDGERFLEET_SERVE_LISTEN", "8400"),
    ] {
        let error = Settings::load(&inputs(&directory, &[(name, value)])).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn the_log_level_is_taken_from_the_variables_that_people_know() {
    let directory = TempDir::new().unwrap();
    let level =
        |variables: &[(&str, &str)]| Settings::load(&inputs(&directory, variables)).unwrap().log.level;
    assert_eq!(level(&[]), "warn");
    assert_eq!(level(&[("LOG_LEVEL", "info")]), "info");
    assert_eq!(level(&[("LOG_LEVEL", "info"), ("RUST_LOG", "debug")]), "debug");
    assert_eq!(
        level(&[("RUST_LOG", "debug"), ("LEDGERFLEET_LOG_LEVEL", "trace")]),
        "trace"
    );
}

#[test]
fn a_file_named_by_a_flag_must_exist_and_replaces_the_usual_one() {
    let directory = TempDir::new().unwrap();
    write(&directory, "ledgerfleet.toml", "page_size = 1\n");
    write(&directory, "mine.toml", "[log]\nformat = \"json\"\n");
    let mut inputs = inputs(&directory, &[]);
    inputs.config_file = Some("mine.toml".into());
    let settings = Settings::load(&inputs).unwrap();
    assert_eq!(
        (settings.page_size, settings.log.format),
        (1_000, LogFormat::Json)
    );
    inputs.config_file = Some("absent.toml".into());
    assert!(matches!(
        Settings::load(&inputs),
        Err(ConfigError::Unreadable { .. })
    ));
}

#[test]
fn the_time_scale_shortens_every_duration_but_the_margins() {
    let directory = TempDir::new().unwrap();
    let settings = Settings::load(&inputs(&directory, &[("LEDGERFLEET_TIME_SCALE", "0.05")])).unwrap();
    assert_eq!(
        settings.timings,
        ledgerfleet_model::Timings::default().scaled(0.05)
    );
}

#[test]
fn loading_leaves_the_environment_of_the_process_alone() {
    let directory = TempDir::new().unwrap();
    write(&directory, ".env", "LEDGERFLEET_PAGE_SIZE=2\nOTHER_THING='a b'\n");
    Settings::load(&inputs(&directory, &[])).unwrap();
    assert_eq!(Environment::of_this_process().get("LEDGERFLEET_PAGE_SIZE"), None);
    assert!(Path::new(".").exists());
}

#[test]
fn what_kubernetes_injects_is_passed_over_and_a_slip_in_dotenv_is_not() {
    let directory = TempDir::new().unwrap();
    let injected = [
        ("LEDGERFLEET_PORT", "tcp://10.0.0.7:8400"),
        ("LEDGERFLEET_SERVICE_HOST", "10.0.0.7"),
        ("LEDGERFLEET_PORT_8400_TCP_ADDR", "10.0.0.7"),
        ("LEDGERFLEET_REDIS_SERVICE_PORT", "6379"),
    ];
    let settings = Settings::load(&inputs(&directory, &injected)).unwrap();
    assert_eq!(settings.warnings, Vec::<String>::new());
    for mine in [("LEDGERFLEET_PORT", "8400"), ("LEDGERFLEET_LISTEN", "tcp://x")] {
        Settings::load(&inputs(&directory, &[mine])).unwrap_err();
    }
    write(&directory, ".env", "LEDGERFLEET_SERVICE_HOST=10.0.0.7\n");
    Settings::load(&inputs(&directory, &[])).unwrap_err();
}

#[test]
fn a_line_end_behind_a_value_is_no_part_of_it_whatever_it_comes_from() {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "ledgerfleet.toml",
        "[quickbooks]\nclient_id = \"id\\n\"\n",
    );
    write(&directory, "secret", "\u{feff}s3cret\r\n");
    let file = directory.path().join("secret").display().to_string();
    let variables = [
        ("LEDGERFLEET_MASTER_KEY", "key\n"),
        ("LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET_FILE", file.as_str()),
        ("LEDGERFLEET_QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN", "\r\n"),
        ("LEDGERFLEET_PAGE_SIZE", "7\n"),
    ];
    let settings = Settings::load(&inputs(&directory, &variables)).unwrap();
    assert_eq!(settings.quickbooks.client_id.as_deref(), Some("id"));
    assert_eq!(settings.master_key.unwrap().expose_secret(), "key");
    assert_eq!(
        settings.quickbooks.client_secret.unwrap().expose_secret(),
        "s3cret"
    );
    assert!(settings.quickbooks.webhook_verifier_token.is_none());
    assert_eq!(settings.page_size, 7);
}

#[test]
fn a_level_of_any_program_is_understood_and_nonsense_is_refused_wherever_it_stands() {
    let directory = TempDir::new().unwrap();
    for name in ["LOG_LEVEL", "RUST_LOG", "LEDGERFLEET_LOG_LEVEL"] {
        let level =
            |value| Settings::load(&inputs(&directory, &[(name, value)])).map(|settings| settings.log.level);
        assert_eq!(level("WARNING").unwrap(), "warn");
        assert_eq!(level("20").unwrap(), "info");
        let error = level("loud").unwrap_err();
        assert!(
            error.to_string().contains(name) && error.to_string().contains("WARNING"),
            "{error}"
        );
    }
}

#[test]
fn each_server_has_the_certificates_for_it_else_those_for_both() {
    let directory = TempDir::new().unwrap();
    let load = |variables: &[(&str, &str)]| Settings::load(&inputs(&directory, variables));
    let settings = load(&[
        ("LEDGERFLEET_ROOT_CERTIFICATE", "both.pem"),
        ("LEDGERFLEET_REDIS_ROOT_CERTIFICATE", "redis.pem"),
        ("LEDGERFLEET_DATABASE_CLIENT_CERTIFICATE", "me.pem"),
        ("LEDGERFLEET_DATABASE_CLIENT_KEY", "me.key"),
    ])
    .unwrap();
    let path = |name: &str| Some(directory.path().join(name));
    assert_eq!(settings.database_tls.root_certificate, path("both.pem"));
    assert_eq!(settings.redis_tls.root_certificate, path("redis.pem"));
    assert_eq!(
        settings.database_tls.client.map(|client| client.key),
        path("me.key")
    );
    assert_eq!(settings.redis_tls.client, None);
    for half in [
        "LEDGERFLEET_REDIS_CLIENT_CERTIFICATE",
        "LEDGERFLEET_DATABASE_CLIENT_KEY",
    ] {
        let error = load(&[(half, "me")]).unwrap_err();
        assert!(error.to_string().contains("belong together"), "{error}");
    }
    let plain = load(&[
        ("LEDGERFLEET_DATABASE_URL", "postgres://localhost/books"),
        ("LEDGERFLEET_REDIS_URL", "redis://localhost"),
        ("LEDGERFLEET_REDIS_ROOT_CERTIFICATE", "redis.pem"),
    ]);
    let warnings = plain.unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains("rediss://")),
        "{warnings:?}"
    );
}
