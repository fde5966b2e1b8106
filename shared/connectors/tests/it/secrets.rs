//! Every secret at every place where an upstream may repeat it: nothing of it leaves an answer.

use ledgerfleet_connectors::{CountRequest, PageRequest};
use ledgerfleet_emulator::{EchoPlace, FaultKind, FaultSpec, Surface};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{COMPANY, World, entity, target};

/// Of no secret does a part of so many bytes stay.
const PIECE: usize = 12;

const PLACES: [EchoPlace; 10] = [
    EchoPlace::Message,
    EchoPlace::Detail,
    EchoPlace::Code,
    EchoPlace::Class,
    EchoPlace::Xml,
    EchoPlace::Member,
    EchoPlace::TransactionId,
    EchoPlace::Error,
    EchoPlace::Description,
    EchoPlace::Page,
];

/// Ways in which an upstream puts a secret into words, and how far before the end of what is shown.
fn sayings(secret: &str) -> Vec<String> {
    let encoded = encoded(secret);
    let padded = |length: usize| format!("{} {secret}", "x".repeat(length));
    let (begin, _) = secret.split_at(secret.len() / 2);
    let mut sayings = vec![
        format!("Token expired: {secret}"),
        secret.to_owned(),
        secret.to_uppercase(),
        format!("{secret}{secret}"),
        format!("'{begin}' is not a token"),
        format!("{secret} {encoded}"),
    ];
    // Cut before it is looked for, only a part of it would be there to be found.
    sayings.extend([60, 250, 290, 330, 370].map(padded));
    sayings
}

/// Everything that a secret may be, by name.
fn secrets(world: &World, access: &SecretString) -> Vec<(&'static str, String)> {
    let info = world.emulator.info();
    vec![
        ("the access token", access.expose_secret().to_owned()),
        ("the refresh token", world.company(COMPANY).refresh_token),
        (
            "another refresh token",
            world.emulator.info().companies[1].refresh_token.clone(),
        ),
        ("another access token", access.expose_secret().replace('a', "b")),
        ("the client secret", info.client_secret),
    ]
}

/// As an address encodes what it does not let through.
fn encoded(secret: &str) -> String {
    let escapes = secret.bytes().map(|byte| format!("%{byte:02X}"));
    escapes.collect::<Vec<_>>().concat()
}

fn stays(told: &str, secret: &str) -> bool {
    let (told, secret) = (told.to_lowercase(), secret.to_lowercase());
    let encoded = encoded(&secret).to_lowercase();
    let has = |secret: &str| (PIECE..=secret.len()).any(|end| told.contains(&secret[end - PIECE..end]));
    has(&secret) || has(&encoded)
}

fn echo(place: EchoPlace, text: &str, status: u16, on: Surface) -> FaultSpec {
    let text = text.to_owned();
    FaultSpec {
        on: Some(on),
        ..FaultSpec::always(FaultKind::Echo { place, text, status })
    }
}

#[tokio::test]
async fn no_secret_leaves_an_answer_of_the_api() {
    let world = World::start().await;
    let access = world.access(COMPANY).await;
    let realm = world.company(COMPANY).realm;
    let target = target(&realm, &access);
    for (name, secret) in secrets(&world, &access) {
        for place in PLACES {
            for (at, saying) in sayings(&secret).into_iter().enumerate() {
                let status = if at % 2 == 0 { 401 } else { 200 };
                world
                    .emulator
                    .set_fault(echo(place, &saying, status, Surface::Api));
                let page = PageRequest::of_all(entity("invoice"), 20);
                let page = world.quickbooks.page(&target, &page).await.unwrap_err();
                let count = CountRequest::of_all(entity("invoice"));
                let count = world
                    .quickbooks
                    .counting()
                    .unwrap()
                    .count(&target, &count)
                    .await
                    .unwrap_err();
                world.emulator.clear_faults();
                for told in [format!("{page:?} {page}"), format!("{count:?} {count}")] {
                    assert!(!stays(&told, &secret), "{name}, {place:?}, {saying}: {told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_secret_leaves_an_answer_of_the_token_endpoint() {
    let world = World::start().await;
    let access = world.access(COMPANY).await;
    let token = SecretString::from(world.company(COMPANY).refresh_token);
    let mut secrets = secrets(&world, &access);
    secrets.push(("the basic header", "$AUTHORIZATION".to_owned()));
    for (name, secret) in secrets {
        for place in PLACES {
            for saying in sayings(&secret).into_iter().chain([secret.clone()]) {
                world
                    .emulator
                    .set_fault(echo(place, &saying, 400, Surface::Token));
                let error = world
                    .quickbooks
                    .oauth()
                    .unwrap()
                    .authenticate(&token)
                    .await
                    .unwrap_err();
                world.emulator.clear_faults();
                let told = format!("{error:?} {error}");
                assert!(!stays(&told, &secret), "{name}, {place:?}, {saying}: {told}");
                assert!(
                    !stays(&told, &basic(&world)),
                    "{name}, {place:?}, {saying}: {told}"
                );
            }
        }
    }
}

/// What the app sends to the token endpoint in its header, as base64.
fn basic(world: &World) -> String {
    use base64::Engine;
    let info = world.emulator.info();
    base64::prelude::BASE64_STANDARD.encode(format!("{}:{}", info.client_id, info.client_secret))
}
