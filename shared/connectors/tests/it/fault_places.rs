//! Every fault at every place where it can strike: each is the right failure there, and never an answer.

use ledgerfleet_connectors::{
    AuthenticationError, CountRequest, Dialect, FindRequest, PageRequest, RecordRequest,
};
use ledgerfleet_emulator::{CutLength, DropMoment, FaultKind, FaultSpec, Surface, ThrottleBody};
use ledgerfleet_model::{Failure, FailureKind as Kind, Position};
use secrecy::SecretString;

use crate::world::{COMPANY, World, entity, target};

/// A place of the API.
#[derive(Debug, Clone, Copy)]
enum Place {
    FirstPage,
    LaterPage,
    Count,
    Record,
    Found,
    Identity,
}

const PLACES: [Place; 6] = [
    Place::FirstPage,
    Place::LaterPage,
    Place::Count,
    Place::Record,
    Place::Found,
    Place::Identity,
];

/// What the place answers, as text: all that matters is that it does not.
async fn ask(world: &World, access: &SecretString, place: Place) -> Result<String, Failure> {
    let realm = world.company(COMPANY).realm;
    let (target, entity) = (target(&realm, access), entity("invoice"));
    let first = PageRequest::of_all(entity, 20);
    let second = Position::new("~+19");
    let later = PageRequest {
        from: &second,
        ..first
    };
    let answer = match place {
        Place::FirstPage => format!("{:?}", world.quickbooks.page(&target, &first).await?),
        Place::LaterPage => format!("{:?}", world.quickbooks.page(&target, &later).await?),
        Place::Count => world
            .quickbooks
            .counting()
            .unwrap()
            .count(&target, &CountRequest::of_all(entity))
            .await?
            .to_string(),
        Place::Record => format!(
            "{:?}",
            world
                .quickbooks
                .look_up()
                .unwrap()
                .record(&target, &RecordRequest::of(entity, "1"))
                .await?
        ),
        Place::Found => {
            let request = FindRequest {
                entity,
                conditions: &[],
                from: &Position::start(),
                size: 20,
                dialect: Dialect::default(),
            };
            format!("{:?}", world.finder.find(&target, &request).await?)
        }
        Place::Identity => world.quickbooks.identify(&target).await?.name,
    };
    Ok(answer)
}

fn throttle(status: u16, body: ThrottleBody) -> FaultKind {
    FaultKind::Throttle {
        status: Some(status),
        body: Some(body),
        retry_after: None,
    }
}

fn fault(status: u16, code: u32) -> FaultKind {
    FaultKind::Fault { status, code }
}

fn cut(keep_percent: u8, length: CutLength) -> FaultKind {
    FaultKind::Truncate { keep_percent, length }
}

fn table() -> Vec<(FaultKind, &'static [Kind])> {
    vec![
        (throttle(429, ThrottleBody::Json), &[Kind::Throttled]),
        (throttle(429, ThrottleBody::Xml), &[Kind::Throttled]),
        (throttle(403, ThrottleBody::Xml), &[Kind::Throttled]),
        // Where rows are asked for, one of them may be at fault.
        (fault(500, 10_000), &[Kind::UpstreamError, Kind::Unservable]),
        (fault(200, 10_000), &[Kind::UpstreamError]),
        (fault(401, 130), &[Kind::UpstreamError]),
        (fault(401, 3_200), &[Kind::Unauthorised]),
        (fault(403, 3_100), &[Kind::NeedsReauthorisation]),
        (fault(403, 120), &[Kind::NeedsReauthorisation]),
        (fault(403, 6_190), &[Kind::NeedsReauthorisation]),
        (fault(200, 6_190), &[Kind::UpstreamError]),
        (fault(500, 3_100), &[Kind::UpstreamError]),
        (fault(400, 500), &[Kind::UpstreamError]),
        (fault(400, 5_030), &[Kind::NotInPlan]),
        (fault(200, 5_020), &[Kind::Forbidden]),
        (fault(400, 4_000), &[Kind::BadRequest]),
        (fault(400, 4_001), &[Kind::BadRequest]),
        (FaultKind::Html { status: 200 }, &[Kind::UnexpectedContent]),
        (FaultKind::Html { status: 404 }, &[Kind::NotFound]),
        (FaultKind::Html { status: 502 }, &[Kind::UpstreamError]),
        (
            FaultKind::Empty { status: 200 },
            &[Kind::UnexpectedContent, Kind::Truncated],
        ),
        (FaultKind::Empty { status: 503 }, &[Kind::UpstreamError]),
        (cut(60, CutLength::Cut), &[Kind::Truncated]),
        (cut(60, CutLength::Full), &[Kind::Truncated, Kind::Network]),
        (FaultKind::BadGzip {}, &[Kind::Truncated]),
        (FaultKind::InvalidUtf8 {}, &[Kind::Malformed]),
        (
            FaultKind::Drop {
                moment: DropMoment::Before,
            },
            &[Kind::Network],
        ),
        (
            FaultKind::Drop {
                moment: DropMoment::After,
            },
            &[Kind::Network],
        ),
        (FaultKind::Expired {}, &[Kind::Unauthorised]),
    ]
}

#[tokio::test]
async fn every_fault_is_the_right_failure_at_every_place() {
    let world = World::start().await;
    let access = world.access(COMPANY).await;
    for place in PLACES {
        ask(&world, &access, place).await.unwrap();
        for (fault, kinds) in table() {
            world.emulator.set_fault(FaultSpec::always(fault.clone()));
            let answer = ask(&world, &access, place).await;
            world.emulator.clear_faults();
            match answer {
                Err(failure) => assert!(kinds.contains(&failure.kind), "{place:?} {fault:?}: {failure}"),
                // A text without text in it has nowhere to put bytes that are no UTF-8; elsewhere they are of one record.
                Ok(_) if matches!((place, &fault), (Place::Count, FaultKind::InvalidUtf8 {})) => {}
                Ok(answer) if matches!(fault, FaultKind::InvalidUtf8 {}) && answer.contains("NotUtf8") => {}
                Ok(answer) => panic!("{place:?} {fault:?}: {answer}"),
            }
        }
    }
}

#[tokio::test]
async fn every_fault_of_the_token_endpoint_is_the_right_failure() {
    use AuthenticationError::{Lost, Refused, Throttled, Unavailable, WrongKeys};
    let world = World::start().await;
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    for (fault, fits) in [
        (
            FaultKind::InvalidGrant {},
            (|error| matches!(error, Refused(_))) as fn(&AuthenticationError) -> bool,
        ),
        (throttle(429, ThrottleBody::Json), |error| {
            matches!(error, Throttled(..))
        }),
        (fault(500, 10_000), |error| {
            matches!(error, Unavailable(_) | Lost(_))
        }),
        (FaultKind::Html { status: 502 }, |error| {
            matches!(error, Unavailable(_) | Lost(_))
        }),
        (FaultKind::Html { status: 200 }, |error| matches!(error, Lost(_))),
        (FaultKind::Empty { status: 200 }, |error| matches!(error, Lost(_))),
        (cut(60, CutLength::Cut), |error| matches!(error, Lost(_))),
        (FaultKind::BadGzip {}, |error| matches!(error, Lost(_))),
        (
            FaultKind::Drop {
                moment: DropMoment::After,
            },
            |error| matches!(error, Lost(_)),
        ),
    ] {
        world.emulator.set_fault(FaultSpec {
            on: Some(Surface::Token),
            ..FaultSpec::always(fault.clone())
        });
        let error = world
            .quickbooks
            .oauth()
            .unwrap()
            .authenticate(&token)
            .await
            .unwrap_err();
        world.emulator.clear_faults();
        assert!(
            fits(&error) && !matches!(error, WrongKeys(_)),
            "{fault:?}: {error:?}"
        );
    }
}
