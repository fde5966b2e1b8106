//! The metered calls of a month: a command that needs more of them than there are says so, and with which code it ends.

use ledgerfleet_emulator::{CompanySpec, Emulator, EmulatorOptions, Environment, Rate, Size};

use crate::world::World;

const DAYS: &str = "--connection live --entity invoice --from 2026-06-01 --to 2026-06-30";

#[tokio::test]
async fn what_needs_more_calls_than_there_are_ends_with_6_and_goes_on_when_there_are_more() {
    let options = EmulatorOptions {
        rate: Rate::Off,
        companies: vec![
            CompanySpec {
                environment: Environment::Production,
                ..CompanySpec::new("live", Size::Small)
            },
            CompanySpec::new("trial", Size::Small),
        ],
        ..EmulatorOptions::default()
    };
    let emulator = Emulator::start(options).await.unwrap();
    // What was under way looks for calls again after a minute.
    let world = World::beside(&emulator).with("LEDGERFLEET_TIME_SCALE", "0.1");
    for (company, environment) in emulator.info().companies.iter().zip(["production", "sandbox"]) {
        let token = world.write("token", &company.refresh_token);
        let add = format!(
            "connection add quickbooks --name {} --realm {} --environment {environment} --refresh-token-file {}",
            company.name,
            company.realm,
            token.display()
        );
        world.run(&add).await.expect(0);
    }

    let few = world.elsewhere("LEDGERFLEET_QUICKBOOKS_MONTHLY_CALLS", "20");
    // The other company finishes, and then waits for nothing.
    few.run(&format!("backfill {DAYS} --connection trial"))
        .await
        .expect(6)
        .says("scheduler quota");
    let used = emulator.summary().company("live").unwrap().api.metered;
    assert!(used <= 18, "the reserve was touched: {used}");
    few.run(&format!("verify {DAYS}"))
        .await
        .expect(6)
        .says("scheduler quota");
    let quota = few.run("quota -o json").await.expect(0).json();
    assert_eq!(quota["used"], used, "{quota}");
    assert_eq!(quota["companies"][0]["connection"], "live");
    let doctor = few.run("doctor").await.stdout;
    assert!(doctor.contains("left before the reserve"), "{doctor}");

    // Nothing is left for what can wait, whatever was used.
    let kept = world.elsewhere("LEDGERFLEET_QUICKBOOKS_RESERVE", "100 %");
    kept.run(&format!("backfill {DAYS}")).await.expect(6);
    let doctor = kept.run("doctor").await.stdout;
    assert!(doctor.contains("wait for ever"), "{doctor}");
    world.run("quota --month 2026-13").await.expect(2).says("YYYY-MM");

    world
        .run(&format!("backfill {DAYS} --connection trial"))
        .await
        .expect(0);
}
