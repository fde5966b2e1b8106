//! Companies that are connected by consent on the upstream's page.

use ledgerfleet_emulator::{FaultKind, FaultSpec, RunningEmulator, Surface};
use ledgerfleet_testkit::wait::{PATIENCE, until};

use crate::http::{Answered, get};
use crate::world::{Running, World, emulator};

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    probe.local_addr().unwrap().port()
}

/// A world whose redirect address is its own.
pub(crate) fn world_beside(emulator: &RunningEmulator) -> (World, String) {
    let redirect = format!("http://localhost:{}/connect/quickbooks/callback", free_port());
    let world = World::beside(emulator).with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", &redirect);
    (world, redirect)
}

/// Begins to authorise, and answers the address of the consent page.
pub(crate) async fn begin(world: &World, line: &str) -> (Running, String) {
    let running = world.start(line, "waiting for the way back").await;
    let page = running
        .said
        .lines()
        .find(|line| line.contains("/connect/oauth2?"));
    let page = page.unwrap().trim().to_owned();
    (running, page)
}

/// Where the page sends the person back to who has chosen a company.
pub(crate) async fn chosen(page: &str, company: &str) -> String {
    let answered = get(&format!("{page}&company={company}")).await.expect(302);
    answered.header("location").unwrap().to_owned()
}

/// How many requests for tokens the emulator had.
async fn token_requests(emulator: &RunningEmulator) -> usize {
    let told = get(&format!("{}/__emulator/requests", emulator.url()))
        .await
        .expect(200);
    told.body.matches("/oauth2/v1/tokens/bearer").count()
}

#[tokio::test]
async fn a_company_is_connected_by_consent_and_answers() {
    let emulator = emulator().await;
    let (world, redirect) = world_beside(&emulator);
    let company = &emulator.info().companies[0];
    let (running, page) = begin(&world, "connection authorize --name acme -o json").await;
    let shown = get(&page).await.expect(200);
    assert!(
        shown.body.contains("<form") && shown.body.contains(&company.realm),
        "{shown:?}"
    );
    let back = chosen(&page, &company.realm).await;
    assert!(back.starts_with(&redirect), "{back}");
    let told = get(&back).await.expect(200);
    assert!(told.body.contains("acme is connected"), "{told:?}");
    let ended = running.end().await.expect(0);
    assert_eq!(ended.json()["account"], company.realm.as_str());
    world
        .run("connection test acme")
        .await
        .expect(0)
        .says("it is demo-us");
    let key = world.run("connection show acme -o json").await.expect(0).json();
    assert!(key["authorise_again_by"].is_string(), "{key}");
}

#[tokio::test]
async fn strays_use_nothing_up_and_a_return_that_comes_twice_is_exchanged_once() {
    let emulator = emulator().await;
    let (world, redirect) = world_beside(&emulator);
    let realm = &emulator.info().companies[0].realm;
    let (running, page) = begin(&world, "connection authorize --name acme").await;
    let back = chosen(&page, realm).await;
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
    for stray in [
        redirect.clone(),
        format!("{redirect}?code=c1&realmId={realm}"),
        format!("{redirect}?code=c1&state=zzz&realmId={realm}"),
        format!("{redirect}?code=c1&state={state}"),
        format!("{redirect}?code=c1&state={state}&realmId="),
        format!("{redirect}?code=c1&state={state}&realmId=1&realmId=2"),
        format!("{redirect}?code=c1&state={state}&realmId=../x"),
    ] {
        let told = get(&stray).await.expect(400);
        assert!(!told.body.contains(state), "{told:?}");
    }
    let favicon = redirect.replace("/connect/quickbooks/callback", "/favicon.ico");
    get(&favicon).await.expect(404);
    assert_eq!(token_requests(&emulator).await, 0, "no stray is exchanged");

    let twice: (Answered, Answered) = tokio::join!(get(&back), get(&back));
    for told in [twice.0, twice.1] {
        assert!(told.expect(200).body.contains("acme is connected"));
    }
    running.end().await.expect(0);
    assert_eq!(token_requests(&emulator).await, 1);
    world.run("connection test acme").await.expect(0);
}

#[tokio::test]
async fn another_company_than_before_is_refused_before_its_code_is_exchanged() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    world.connect(us).await;
    let (running, page) = begin(&world, "connection authorize --name demo-us").await;
    let told = get(&chosen(&page, &ca.realm).await).await.expect(400);
    assert!(
        told.body.contains(&us.realm) && told.body.contains(&ca.realm),
        "{told:?}"
    );
    running.end().await.expect(4).says(&ca.realm);
    assert_eq!(token_requests(&emulator).await, 0);
    world.run("connection test demo-us").await.expect(0);
}

#[tokio::test]
async fn a_company_that_was_disconnected_is_authorised_again_and_what_waited_goes_on() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let us = &emulator.info().companies[0];
    world.connect(us).await;
    let line = "backfill --connection demo-us --entity invoice --from 2026-06-01 --to 2026-06-03 --wait";
    emulator.disconnect(&us.name).unwrap();
    world.run(line).await.expect(4);
    let (running, page) = begin(&world, "connection authorize --name demo-us").await;
    get(&chosen(&page, &us.realm).await).await.expect(200);
    running.end().await.expect(0).says("authorised again");
    let shown = world
        .run("connection show demo-us -o json")
        .await
        .expect(0)
        .json();
    assert_eq!(shown["state"], "active");
    world.run(line).await.expect(0);
}

#[tokio::test]
async fn a_refusal_on_the_page_ends_the_command() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let (running, page) = begin(&world, "connection authorize --name acme").await;
    let back = get(&format!("{page}&refuse=1")).await.expect(302);
    get(back.header("location").unwrap()).await.expect(400);
    running.end().await.expect(4).says("refused on the page");
    assert_eq!(
        world.run("connection list -o json").await.expect(0).json(),
        serde_json::json!([])
    );
}

#[tokio::test]
async fn a_pasted_address_is_taken_once_and_only_if_it_leads_to_the_redirect_address() {
    let emulator = emulator().await;
    let (world, redirect) = world_beside(&emulator);
    let realm = &emulator.info().companies[0].realm;
    let (running, page) = begin(&world, "connection authorize --name acme").await;
    let back = chosen(&page, realm).await;
    let elsewhere = back.replace(&redirect, "https://elsewhere.example/cb");
    let pasted = |address: &str| format!("connection authorize --name acme --redirected-to {address}");
    world
        .run(&pasted(&elsewhere))
        .await
        .expect(2)
        .says("is not the redirect address");
    let foreign = back.replace("state=", "state=x");
    world
        .run(&pasted(&foreign))
        .await
        .expect(4)
        .says("nobody here has given it out");
    world
        .run(&pasted(&back))
        .await
        .expect(0)
        .says("acme is connected");
    // The command that waited sees it.
    running.end().await.expect(0);
    world
        .run(&pasted(&back))
        .await
        .expect(4)
        .says("it was used before");
}

#[tokio::test]
async fn a_code_from_elsewhere_is_exchanged_with_the_redirect_address_that_it_belongs_to() {
    let emulator = emulator().await;
    let (world, redirect) = world_beside(&emulator);
    let info = emulator.info();
    let realm = &info.companies[0].realm;
    let page = format!(
        "{}/connect/oauth2?client_id={}&response_type=code&scope=com.intuit.quickbooks.accounting&redirect_uri={redirect}&state=theirs",
        emulator.url(),
        info.client_id
    );
    let back = chosen(&page, realm).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let line = format!("connection authorize --name acme --code {code} --realm {realm}");
    world
        .run(&format!("{line} --redirect-url https://elsewhere.example/cb"))
        .await
        .expect(4)
        .says("https://elsewhere.example/cb");
    world.run(&line).await.expect(0).says("acme is connected");
    world.run(&line).await.expect(4).says("does not take this code");
}

#[tokio::test]
async fn a_removed_company_has_its_consent_ended_upstream_or_is_not_removed() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let us = &emulator.info().companies[0];
    world.connect(us).await;
    let away = world.elsewhere("LEDGERFLEET_QUICKBOOKS_OAUTH_URL", "http://127.0.0.1:9");
    away.run("connection remove demo-us --yes")
        .await
        .expect(5)
        .says("--force");
    world
        .run("connection remove demo-us --yes")
        .await
        .expect(0)
        .says("the consent of demo-us is ended");
    // The file's token hangs on that consent.
    world.connect(us).await;
    world.run("connection test demo-us").await.expect(4);
    // A consent that has ended is no obstacle.
    world.run("connection remove demo-us --yes").await.expect(0);
}

#[tokio::test]
async fn a_company_is_paused_and_resumed() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    world.connect(&emulator.info().companies[0]).await;
    world
        .run("connection pause demo-us")
        .await
        .expect(0)
        .says("is paused");
    let state = async || {
        world
            .run("connection show demo-us -o json")
            .await
            .expect(0)
            .json()["state"]
            .clone()
    };
    assert_eq!(state().await, "paused");
    world
        .run("connection resume demo-us")
        .await
        .expect(0)
        .says("is active");
    assert_eq!(state().await, "active");
}

#[tokio::test]
async fn a_company_that_is_authorised_again_is_due_at_once() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let company = &emulator.info().companies[0];
    world.connect(company).await;
    world
        .run("sync --connection demo-us --entity customer")
        .await
        .expect(0);
    world
        .run("connection set demo-us --sync-every 30d")
        .await
        .expect(0);
    let next = async || {
        let status = world.run("sync status -o json").await.expect(0).json();
        status[0]["next_at"].as_str().unwrap().to_owned()
    };
    let before = next().await;
    let (running, page) = begin(&world, "connection authorize --name demo-us").await;
    get(&chosen(&page, &company.realm).await).await.expect(200);
    running.end().await.expect(0);
    let after = next().await;
    // No webhook tells of what has happened while nobody was let in.
    assert!(after < before, "{after} {before}");
    let status = world.run("status -o json").await.expect(0).json();
    assert_eq!(status[0]["sync"], "in sync", "{status}");
}

/// A code that the upstream gave out for a company, as its own tool for developers shows it.
async fn code_of(emulator: &RunningEmulator, redirect: &str, realm: &str) -> String {
    let page = format!(
        "{}/connect/oauth2?client_id={}&response_type=code&scope=com.intuit.quickbooks.accounting&redirect_uri={redirect}&state=theirs",
        emulator.url(),
        emulator.info().client_id
    );
    let back = chosen(&page, realm).await;
    back.split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_code_beside_the_realm_of_another_company_opens_nothing_and_the_company_waits_until_it_is_mended() {
    let emulator = emulator().await;
    let (world, redirect) = world_beside(&emulator);
    let [us, ca] = &emulator.info().companies[..] else {
        panic!("two companies")
    };
    let state = async |name: &str| {
        let shown = world.run(&format!("connection show {name} -o json")).await;
        shown.expect(0).json()["state"].as_str().unwrap().to_owned()
    };
    // A new company, and one whose credential is replaced.
    world.connect(us).await;
    for (name, realm, other) in [("acme", &ca.realm, &us.realm), ("demo-us", &us.realm, &ca.realm)] {
        let code = code_of(&emulator, &redirect, other).await;
        let line = format!("connection authorize --name {name} --code {code} --realm {realm}");
        world
            .run(&line)
            .await
            .expect(4)
            .says(&format!("does not open the books of realm {realm}"));
        assert_eq!(state(name).await, "needs_reauthorisation", "{name}");
        let (running, page) = begin(&world, &format!("connection authorize --name {name}")).await;
        let told = get(&chosen(&page, realm).await).await.expect(200);
        assert!(told.body.contains("it answers: it is demo-"), "{told:?}");
        running.end().await.expect(0).says("authorised again");
        assert_eq!(state(name).await, "active", "{name}");
    }
}

#[tokio::test]
async fn a_company_that_cannot_be_asked_at_this_moment_is_connected_all_the_same() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    emulator.set_fault(FaultSpec {
        on: Some(Surface::Api),
        ..FaultSpec::always(FaultKind::Html { status: 503 })
    });
    let (running, page) = begin(&world, "connection authorize --name acme").await;
    let realm = &emulator.info().companies[0].realm;
    get(&chosen(&page, realm).await).await.expect(200);
    running
        .end()
        .await
        .expect(0)
        .says("scheduler connection test acme");
    emulator.clear_faults();
    world.run("connection test acme").await.expect(0);
}

#[tokio::test]
async fn who_is_killed_while_a_code_is_exchanged_leaves_no_company_and_the_person_learns_what_to_do() {
    let emulator = emulator().await;
    let place = format!("127.0.0.1:{}", free_port());
    let redirect = format!("http://{place}/connect/quickbooks/callback");
    let world = World::beside(&emulator).with("LEDGERFLEET_QUICKBOOKS_REDIRECT_URL", &redirect);
    let serve = format!("serve --listen {place}");
    let ask = format!("http://{place}/connect/quickbooks?name=acme");
    let realm = &emulator.info().companies[0].realm;
    let consented = async || {
        let page = get(&ask).await.expect(303);
        chosen(page.header("location").unwrap(), realm).await
    };

    let server = world.start(&serve, "serving http://").await;
    // The upstream has used up the code, and its answer is on the way for minutes.
    emulator.set_fault(FaultSpec {
        on: Some(Surface::Token),
        ..FaultSpec::always(FaultKind::Slow {
            chunk: 1,
            millis: 1_000,
        })
    });
    let back = consented().await;
    let waits = tokio::spawn({
        let back = back.clone();
        async move { get(&back).await }
    });
    let is_exchanged = async || token_requests(&emulator).await == 1;
    until("the code is exchanged", PATIENCE, is_exchanged).await;
    server.end_with("KILL").await;
    waits.abort();
    emulator.clear_faults();

    let server = world.start(&serve, "serving http://").await;
    let told = get(&back).await.expect(400);
    assert!(
        told.body.contains("how that ended was not written down"),
        "{told:?}"
    );
    let listed = world.run("connection list -o json").await.expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 0, "{listed}");
    assert_eq!(token_requests(&emulator).await, 1, "a code is never sent twice");
    let told = get(&consented().await).await.expect(200);
    assert!(told.body.contains("acme is connected"), "{told:?}");
    server.end_with("TERM").await;
    world.run("connection test acme").await.expect(0);
}

#[tokio::test]
async fn a_company_whose_credential_is_replaced_or_that_is_added_again_is_due_at_once() {
    let emulator = emulator().await;
    let (world, _) = world_beside(&emulator);
    let company = &emulator.info().companies[0];
    world.connect(company).await;
    world
        .run("sync --connection demo-us --entity customer")
        .await
        .expect(0);
    let put_off = async || {
        world
            .run("connection set demo-us --sync-every 30d")
            .await
            .expect(0);
    };
    let next = async || {
        let status = world.run("sync status -o json").await.expect(0).json();
        status[0]["next_at"].as_str().unwrap().to_owned()
    };
    let file = world.write("token", &company.refresh_token);
    put_off().await;
    let before = next().await;
    world
        .reconnect_with("demo-us", &company.realm, &file)
        .await
        .expect(0);
    let after = next().await;
    assert!(after < before, "replaced: {after} {before}");
    put_off().await;
    let before = next().await;
    world
        .run("connection remove demo-us --yes --force")
        .await
        .expect(0);
    world.connect(company).await;
    let after = next().await;
    assert!(after < before, "added again: {after} {before}");
}
