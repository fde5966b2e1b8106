//! `connection authorize`: a person consents on the upstream's page, and the company that was chosen there is connected or
//! authorised again.

use anyhow::Context;
use ledgerfleet_model::{Connection, Environment};
use secrecy::SecretString;

use super::add::{check_account, check_name};
use crate::cli::AuthorizeArgs;
use crate::consent::{Answer, Connected, Consenting, Wish, listener, of_pasted};
use crate::exit::{Exit, Problem};
use crate::running::role::tell_if_nobody_runs;
use crate::session::Session;
use crate::views::connections::ConnectionRow;

pub(super) async fn run(session: &Session, args: AuthorizeArgs) -> anyhow::Result<Exit> {
    check_name(&args.name)?;
    let parts = session.parts_or_new().await?;
    let all = parts.ledger.connections().await?;
    let known = all.iter().find(|connection| connection.name == args.name);
    let wish = wish(session, &args, known)?;
    let consenting = Consenting::new(&parts, &session.talk);
    let told = match (&args.code, &args.realm, &args.redirected_to) {
        (Some(code), Some(realm), _) => {
            check_account(realm, "realm id", 20)?;
            let code = SecretString::from(code.trim());
            consenting.connect(&wish, &code, realm).await?.told()
        }
        (_, _, Some(address)) => pasted(&consenting, &wish, address).await?.told(),
        _ => on_the_page(session, &consenting, &wish, &args).await?,
    };
    session.talk.say(told);
    let connection = ledgerfleet_planning::connection_named(&*parts.ledger, &args.name).await?;
    session.output.one(&ConnectionRow(connection))?;
    tell_if_nobody_runs(session, &parts)?;
    Ok(Exit::Done)
}

/// A company that is connected stays in its world and its zone.
fn wish(session: &Session, args: &AuthorizeArgs, known: Option<&Connection>) -> anyhow::Result<Wish> {
    let configured = session.settings.quickbooks.redirect_url.clone();
    let redirect_url = args.redirect_url.clone().or(configured);
    let connector = known.map_or("quickbooks", |known| known.connector.as_str());
    let asked = args.environment.map(Environment::from);
    let environment = known.map(|known| known.environment).or(asked);
    if let (Some(known), Some(asked)) = (known, asked)
        && known.environment != asked
    {
        let (name, is) = (&args.name, known.environment);
        let next = format!("scheduler connection set {name} --environment {asked}");
        return Err(Problem::usage(format!("{name} lives in the {is} environment"), next).into());
    }
    Ok(Wish {
        connector: connector.to_owned(),
        name: args.name.clone(),
        environment: environment.unwrap_or_else(|| {
            let taken = Environment::from(crate::cli::EnvironmentArg::default());
            session.talk.say(format!(
                "{} is looked for in the {taken} environment (--environment names the other one)",
                args.name
            ));
            taken
        }),
        time_zone: known.map_or(args.time_zone, |known| known.time_zone),
        redirect_url: redirect_url.context("quickbooks.redirect_url is not set")?,
    })
}

async fn on_the_page(
    session: &Session,
    consenting: &Consenting,
    wish: &Wish,
    args: &AuthorizeArgs,
) -> anyhow::Result<String> {
    let begun = consenting.begin(wish).await?;
    let places = match args.listen {
        Some(place) => vec![place],
        None => listener::places(&wish.redirect_url),
    };
    let open = listener::open(&places).await;
    if open.is_empty() {
        session.talk.say(format!(
            "nothing is listened on here: whoever answers at {} has to be `scheduler serve` on this database",
            wish.redirect_url
        ));
    }
    session.talk.say(format!(
        "open this page, choose the company and consent:\n\n  {}\n\nwaiting for the way back to {} (Ctrl-C stops)",
        begun.address, wish.redirect_url
    ));
    listener::wait(consenting, &begun, &wish.redirect_url, open).await
}

/// An address that leads to ours has a state that was given out here; one of the upstream's own tool has not, and whoever
/// pastes it vouches for it.
async fn pasted(consenting: &Consenting, wish: &Wish, address: &str) -> anyhow::Result<Connected> {
    let (place, returned) = of_pasted(address)?;
    if place == wish.redirect_url {
        return Ok(consenting.complete(&returned).await?);
    }
    let playground = consenting.playground(&wish.connector);
    if playground != Some(place.as_str()) {
        let next = format!(
            "paste an address that begins with {}, or set quickbooks.redirect_url to the one that your app uses, letter by \
             letter",
            wish.redirect_url
        );
        return Err(Problem::usage(format!("{place} is not the redirect address"), next).into());
    }
    match &returned.answer {
        Answer::Granted { code, realm } => {
            let there = Wish {
                redirect_url: place,
                ..wish.clone()
            };
            consenting.connect(&there, code, realm).await
        }
        Answer::Refused(why) => Err(Problem::new(
            Exit::NeedsAuthorisation,
            format!("{} was not connected: {why}", wish.name),
            "consent there again",
        )
        .into()),
    }
}
