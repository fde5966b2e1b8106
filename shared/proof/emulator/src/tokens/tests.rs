use super::*;

const DAY: i64 = 86_400;

fn store() -> TokenStore {
    let store = TokenStore::new(1, 0);
    store.found_family(0, "first".to_owned(), 0);
    store
}

fn plain() -> Switches {
    Switches::default()
}

#[test]
fn the_same_value_comes_back_within_a_day_and_another_after_it() {
    let store = store();
    let same = store.refresh("first", DAY - 1, &plain()).unwrap();
    assert_eq!(same.refresh_token, "first");
    assert_eq!(same.refresh_expires_in, REFRESH_SECONDS - DAY + 1);
    let other = store.refresh("first", DAY, &plain()).unwrap();
    assert_ne!(other.refresh_token, "first");
    assert_eq!(other.refresh_expires_in, REFRESH_SECONDS);
    assert_eq!(other.hard_expires_in, HARD_SECONDS - DAY);
    assert_eq!(store.refresh("first", DAY + 1, &plain()), Err(InvalidGrant));
    assert_eq!(store.traffic(0).superseded_uses, 1);
}

#[test]
fn a_superseded_value_works_on_for_a_day_where_upstream_is_kind() {
    let store = store();
    let kind = Switches {
        old_token_grace_hours: 24,
        ..plain()
    };
    let rotated = store.refresh("first", DAY, &kind).unwrap().refresh_token;
    assert_eq!(
        store.refresh("first", DAY + 10, &kind).unwrap().refresh_token,
        rotated
    );
    assert_eq!(store.refresh("first", 2 * DAY, &kind), Err(InvalidGrant));
}

#[test]
fn reuse_kills_the_family_where_upstream_is_strict() {
    let store = store();
    let strict = Switches {
        rotation: Rotation::EveryRefresh,
        reused_token: ReusedToken::RevokesFamily,
        ..plain()
    };
    let grant = store.refresh("first", 1, &strict).unwrap();
    assert_eq!(store.check(&grant.access_token, 2), Ok(0));
    assert_eq!(store.refresh("first", 2, &strict), Err(InvalidGrant));
    assert_eq!(store.check(&grant.access_token, 3), Err(AccessDenied::Revoked));
    assert_eq!(store.refresh(&grant.refresh_token, 3, &strict), Err(InvalidGrant));
}

#[test]
fn an_access_token_lives_an_hour() {
    let store = store();
    let token = store.refresh("first", 0, &plain()).unwrap().access_token;
    assert_eq!(store.check(&token, 3_599), Ok(0));
    assert_eq!(store.check(&token, 3_600), Err(AccessDenied::Expired));
    assert_eq!(store.check("other", 0), Err(AccessDenied::Unknown));
}

#[test]
fn a_code_is_used_once_and_only_with_its_redirect() {
    let store = store();
    let code = store.issue_code(3, "https://a".to_owned(), 0);
    assert_eq!(store.exchange(&code, "https://b", 1, &plain()), Err(InvalidGrant));
    let grant = store.exchange(&code, "https://a", 1, &plain()).unwrap();
    assert_eq!(store.check(&grant.access_token, 2), Ok(3));
    assert_eq!(store.exchange(&code, "https://a", 2, &plain()), Err(InvalidGrant));
    assert!(store.refresh(&grant.refresh_token, 3, &plain()).is_ok());
}

#[test]
fn revoking_either_token_ends_the_consent() {
    let store = store();
    let token = store.refresh("first", 0, &plain()).unwrap().access_token;
    assert_eq!(store.revoke(&token), Ok(()));
    assert_eq!(store.refresh("first", 1, &plain()), Err(InvalidGrant));
    assert_eq!(store.revoke("first"), Err(InvalidGrant));
}

#[test]
fn a_family_dies_of_disuse_and_of_age() {
    let store = store();
    assert_eq!(
        store.refresh("first", REFRESH_SECONDS, &plain()),
        Err(InvalidGrant)
    );
    let used = self::store();
    let mut value = "first".to_owned();
    for day in (50..1_800).step_by(50) {
        value = used
            .refresh(&value, i64::from(day) * DAY, &plain())
            .unwrap()
            .refresh_token;
    }
    assert_eq!(used.refresh(&value, HARD_SECONDS, &plain()), Err(InvalidGrant));
}
