//! QuickBooks: what goes wrong on the way, over real HTTP.

use std::time::Duration;

use ledgerfleet_connectors::{AuthenticationError, Endpoints};
use ledgerfleet_emulator::{CutLength, DropMoment, FaultKind, FaultSpec, Surface, ThrottleBody};
use ledgerfleet_model::FailureKind;
use secrecy::{ExposeSecret, SecretString};

use crate::world::{COMPANY, World, connector, endpoints};

fn throttle(status: u16, body: ThrottleBody, retry_after: Option<u32>) -> FaultKind {
    FaultKind::Throttle {
        status: Some(status),
        body: Some(body),
        retry_after,
    }
}

#[tokio::test]
async fn every_fault_on_the_wire_is_a_failure_and_never_an_empty_page() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    for (fault, kind) in [
        (throttle(429, ThrottleBody::Xml, None), FailureKind::Throttled),
        (throttle(403, ThrottleBody::Xml, None), FailureKind::Throttled),
        (throttle(429, ThrottleBody::Json, None), FailureKind::Throttled),
        (
            FaultKind::Fault {
                status: 500,
                code: 10_000,
            },
            FailureKind::Unservable,
        ),
        (
            FaultKind::Fault {
                status: 200,
                code: 10_000,
            },
            FailureKind::UpstreamError,
        ),
        (
            FaultKind::Fault {
                status: 400,
                code: 4_002,
            },
            FailureKind::Unservable,
        ),
        (
            FaultKind::Fault {
                status: 504,
                code: 6_002,
            },
            FailureKind::TooLarge,
        ),
        (FaultKind::Html { status: 413 }, FailureKind::TooLarge),
        (
            FaultKind::Fault {
                status: 401,
                code: 130,
            },
            FailureKind::UpstreamError,
        ),
        (
            FaultKind::Fault {
                status: 400,
                code: 5_030,
            },
            FailureKind::NotInPlan,
        ),
        (
            FaultKind::Fault {
                status: 200,
                code: 5_020,
            },
            FailureKind::Forbidden,
        ),
        (
            FaultKind::Fault {
                status: 400,
                code: 4_001,
            },
            FailureKind::BadRequest,
        ),
        (
            FaultKind::Fault {
                status: 403,
                code: 6_190,
            },
            FailureKind::NeedsReauthorisation,
        ),
        (FaultKind::Html { status: 200 }, FailureKind::UnexpectedContent),
        (FaultKind::Html { status: 502 }, FailureKind::UpstreamError),
        (FaultKind::Empty { status: 503 }, FailureKind::UpstreamError),
        (FaultKind::BadGzip {}, FailureKind::Truncated),
        (
            FaultKind::Drop {
                moment: DropMoment::Before,
            },
            FailureKind::Network,
        ),
        (FaultKind::Expired {}, FailureKind::Unauthorised),
    ] {
        world.emulator.set_fault(FaultSpec::always(fault.clone()));
        let failure = world.failure(&realm, &access).await;
        assert_eq!(failure.kind, kind, "{fault:?}: {failure}");
        let asked = failure.request.unwrap_or_default();
        assert!(
            asked.starts_with("SELECT * FROM Invoice ORDERBY MetaData.CreateTime"),
            "{asked}"
        );
        assert!(
            !failure.message.contains(access.expose_secret()),
            "{}",
            failure.message
        );
        world.emulator.clear_faults();
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_anywhere_is_a_failure() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    for keep_percent in [1, 25, 50, 75, 99] {
        let fault = FaultKind::Truncate {
            keep_percent,
            length: CutLength::Cut,
        };
        world.emulator.set_fault(FaultSpec::always(fault));
        let failure = world.failure(&realm, &access).await;
        assert_eq!(
            failure.kind,
            FailureKind::Truncated,
            "{keep_percent} %: {failure}"
        );
        world.emulator.clear_faults();
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_a_failure() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    let fault = FaultKind::Truncate {
        keep_percent: 50,
        length: CutLength::Full,
    };
    world.emulator.set_fault(FaultSpec::always(fault));
    let failure = world.failure(&realm, &access).await;
    // Which of the two depends on whether the answer's head left the server before it closed.
    assert!(
        matches!(failure.kind, FailureKind::Truncated | FailureKind::Network),
        "{failure}"
    );
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_passed_on() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    world
        .emulator
        .set_fault(FaultSpec::always(throttle(429, ThrottleBody::Xml, Some(30))));
    let failure = world.failure(&realm, &access).await;
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
    assert_eq!(failure.upstream_code.as_deref(), Some("3001"));
}

#[tokio::test]
async fn revoked_access_is_told_from_a_revoked_company() {
    let world = World::start().await;
    let (realm, access) = (world.company(COMPANY).realm, world.access(COMPANY).await);
    world
        .emulator
        .set_fault(FaultSpec::always(FaultKind::RevokeAccess {}));
    assert_eq!(
        world.failure(&realm, &access).await.kind,
        FailureKind::Unauthorised
    );
    world.emulator.clear_faults();
    world.access(COMPANY).await;
}

async fn refusal(world: &World, fault: FaultKind) -> AuthenticationError {
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    world.emulator.set_fault(FaultSpec {
        on: Some(Surface::Token),
        ..FaultSpec::always(fault)
    });
    let error = world
        .quickbooks
        .oauth()
        .unwrap()
        .authenticate(&token)
        .await
        .unwrap_err();
    world.emulator.clear_faults();
    assert!(!error.to_string().contains(token.expose_secret()), "{error}");
    error
}

#[tokio::test]
async fn a_token_answer_that_is_lost_is_told_from_one_that_says_no() {
    let world = World::start().await;
    let lost = [
        FaultKind::Drop {
            moment: DropMoment::Before,
        },
        FaultKind::Drop {
            moment: DropMoment::After,
        },
        FaultKind::Html { status: 200 },
        FaultKind::Truncate {
            keep_percent: 50,
            length: CutLength::Full,
        },
        FaultKind::Truncate {
            keep_percent: 50,
            length: CutLength::Cut,
        },
    ];
    for fault in lost {
        let error = refusal(&world, fault.clone()).await;
        assert!(
            matches!(error, AuthenticationError::Lost(_)),
            "{fault:?}: {error}"
        );
    }
    for fault in [FaultKind::Html { status: 502 }, FaultKind::Empty { status: 503 }] {
        let error = refusal(&world, fault.clone()).await;
        assert!(
            matches!(error, AuthenticationError::Unavailable(_)),
            "{fault:?}: {error}"
        );
    }
    let error = refusal(&world, FaultKind::InvalidGrant {}).await;
    assert!(matches!(error, AuthenticationError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_there_was_sent_nothing() {
    let world = World::start().await;
    let nowhere = Endpoints {
        oauth_url: Some("http://127.0.0.1:1".to_owned()),
        ..endpoints(&world.emulator)
    };
    let error = connector(&nowhere)
        .oauth()
        .unwrap()
        .authenticate(&SecretString::from("RT-old"))
        .await
        .unwrap_err();
    assert!(matches!(error, AuthenticationError::NotSent(_)), "{error}");
}
