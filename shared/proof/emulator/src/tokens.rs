//! Tokens: families that grow from one consent each. A family has one live refresh value and any number of access tokens.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, topic};
use crate::locks::Lock;
use crate::switches::{ReusedToken, Rotation, Switches};

/// All tokens ever issued. Instants are Unix seconds.
#[derive(Debug)]
pub(crate) struct TokenStore(Lock<Tokens>);

#[derive(Debug)]
struct Tokens {
    seed: u64,
    /// Makes the tokens of this run unlike those of another with the same seed.
    started: u64,
    issued: u64,
    families: Vec<Family>,
    /// By value: whose it is, and since when it is superseded.
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    codes: HashMap<String, Code>,
    counts: HashMap<usize, TokenTraffic>,
}

#[derive(Debug)]
struct Family {
    company: usize,
    consented_at: i64,
    value: String,
    value_issued_at: i64,
    revoked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Refresh {
    family: usize,
    superseded_at: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Access {
    family: usize,
    expires_at: i64,
    revoked: bool,
}

#[derive(Debug)]
struct Code {
    company: usize,
    redirect_uri: String,
    expires_at: i64,
    /// Set by its use.
    family: Option<usize>,
}

/// What a token request of one company came to, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenTraffic {
    /// Refreshes that gave an access token.
    pub refreshes: u64,
    /// How many of them gave another refresh value.
    pub rotations: u64,
    /// Refreshes with a value that another had superseded, accepted or not.
    pub superseded_uses: u64,
    /// Grants that were refused.
    pub refused: u64,
}

/// A successful answer of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Seconds.
    pub(crate) refresh_expires_in: i64,
    /// Seconds.
    pub(crate) hard_expires_in: i64,
}

/// The grant is unknown, used, superseded, expired or revoked: upstream does not say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidGrant;

/// What is wrong with an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessDenied {
    Unknown,
    Expired,
    Revoked,
}

/// Seconds that an access token lives.
pub(crate) const ACCESS_SECONDS: i64 = 3_600;
/// 101 days, as recorded for a fresh refresh token; it counts down until the value rotates.
const REFRESH_SECONDS: i64 = 8_726_400;
/// Five years from consent, however often it is used.
const HARD_SECONDS: i64 = 157_680_000;
/// For so long a refresh returns the value it was given.
const ROTATION_SECONDS: i64 = 24 * 3_600;
const CODE_SECONDS: i64 = 600;
/// Beyond so many access tokens the expired ones are forgotten.
const ACCESS_KEPT: usize = 10_000;

impl TokenStore {
    pub(crate) fn new(seed: u64, started: i64) -> Self {
        Self(Lock::new(Tokens {
            seed,
            started: started.unsigned_abs(),
            issued: 0,
            families: Vec::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            codes: HashMap::new(),
            counts: HashMap::new(),
        }))
    }

    /// The consent that exists before anybody asks.
    pub(crate) fn found_family(&self, company: usize, value: String, now: i64) {
        self.0.lock().found_family(company, value, now);
    }

    /// A code for a consent that was just given.
    pub(crate) fn issue_code(&self, company: usize, redirect_uri: String, now: i64) -> String {
        let mut tokens = self.0.lock();
        let code = tokens.fresh("XAB1", 46);
        let expires_at = now + CODE_SECONDS;
        tokens.codes.insert(
            code.clone(),
            Code {
                company,
                redirect_uri,
                expires_at,
                family: None,
            },
        );
        code
    }

    /// The `authorization_code` grant.
    pub(crate) fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        now: i64,
        switches: &Switches,
    ) -> Result<Grant, InvalidGrant> {
        self.0.lock().exchange(code, redirect_uri, now, switches)
    }

    /// The `refresh_token` grant.
    pub(crate) fn refresh(&self, value: &str, now: i64, switches: &Switches) -> Result<Grant, InvalidGrant> {
        let mut tokens = self.0.lock();
        let company = tokens.company_of(value);
        let outcome = tokens.refresh(value, now, switches);
        if let (Err(InvalidGrant), Some(company)) = (&outcome, company) {
            tokens.counts.entry(company).or_default().refused += 1;
        }
        outcome
    }

    /// The company that a refresh token or code belongs to, dead or alive.
    pub(crate) fn company_of(&self, grant: &str) -> Option<usize> {
        self.0.lock().company_of(grant)
    }

    /// The company that an access token opens.
    pub(crate) fn check(&self, token: &str, now: i64) -> Result<usize, AccessDenied> {
        let tokens = self.0.lock();
        let access = tokens.access.get(token).ok_or(AccessDenied::Unknown)?;
        let family = &tokens.families[access.family];
        match () {
            () if access.revoked || family.revoked => Err(AccessDenied::Revoked),
            () if now >= access.expires_at => Err(AccessDenied::Expired),
            () => Ok(family.company),
        }
    }

    /// Ends the consent that a refresh or access token hangs on.
    pub(crate) fn revoke(&self, token: &str) -> Result<(), InvalidGrant> {
        let mut tokens = self.0.lock();
        let by_refresh = tokens.refresh.get(token).map(|refresh| refresh.family);
        let family = by_refresh.or_else(|| tokens.access.get(token).map(|access| access.family));
        let family = family
            .filter(|family| !tokens.families[*family].revoked)
            .ok_or(InvalidGrant)?;
        tokens.families[family].revoked = true;
        Ok(())
    }

    /// Ends all access tokens of a company; its refresh tokens live on.
    pub(crate) fn revoke_access(&self, company: usize) {
        let mut tokens = self.0.lock();
        let Tokens { access, families, .. } = &mut *tokens;
        for access in access
            .values_mut()
            .filter(|access| families[access.family].company == company)
        {
            access.revoked = true;
        }
    }

    /// Ends all consents of a company: its owner has disconnected the app.
    pub(crate) fn disconnect(&self, company: usize) {
        let mut tokens = self.0.lock();
        let families = tokens.families.iter_mut();
        for family in families.filter(|family| family.company == company) {
            family.revoked = true;
        }
    }

    /// A further consent to a company, and its refresh value.
    pub(crate) fn consent(&self, company: usize, now: i64) -> String {
        let mut tokens = self.0.lock();
        let value = tokens.fresh("AB11", 46);
        tokens.found_family(company, value.clone(), now);
        value
    }

    /// The refresh value of a company's latest consent.
    pub(crate) fn current(&self, company: usize) -> Option<String> {
        let tokens = self.0.lock();
        let family = tokens.families.iter().rfind(|family| family.company == company);
        family.map(|family| family.value.clone())
    }

    /// Every refresh and access token ever issued.
    pub(crate) fn issued(&self) -> Vec<String> {
        let tokens = self.0.lock();
        tokens
            .refresh
            .keys()
            .chain(tokens.access.keys())
            .cloned()
            .collect()
    }

    pub(crate) fn traffic(&self, company: usize) -> TokenTraffic {
        self.0.lock().counts.get(&company).cloned().unwrap_or_default()
    }
}

impl Tokens {
    fn fresh(&mut self, prefix: &str, length: usize) -> String {
        self.issued += 1;
        let topic = topic("token") ^ self.started.rotate_left(32);
        format!(
            "{prefix}{}",
            Dice::new(self.seed, topic, self.issued).letters(length)
        )
    }

    fn found_family(&mut self, company: usize, value: String, now: i64) -> usize {
        let family = self.families.len();
        self.refresh.insert(
            value.clone(),
            Refresh {
                family,
                superseded_at: None,
            },
        );
        self.families.push(Family {
            company,
            consented_at: now,
            value,
            value_issued_at: now,
            revoked: false,
        });
        family
    }

    fn company_of(&self, grant: &str) -> Option<usize> {
        let family = self
            .refresh
            .get(grant)
            .map(|refresh| self.families[refresh.family].company);
        family.or_else(|| self.codes.get(grant).map(|code| code.company))
    }

    fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        now: i64,
        switches: &Switches,
    ) -> Result<Grant, InvalidGrant> {
        let known = self.codes.get(code).ok_or(InvalidGrant)?;
        if let Some(family) = known.family {
            self.punish(family, switches);
            return Err(InvalidGrant);
        }
        if known.redirect_uri != redirect_uri || now >= known.expires_at {
            return Err(InvalidGrant);
        }
        let company = known.company;
        let value = self.fresh("AB11", 46);
        let family = self.found_family(company, value, now);
        if let Some(known) = self.codes.get_mut(code) {
            known.family = Some(family);
        }
        Ok(self.grant(family, now))
    }

    fn refresh(&mut self, value: &str, now: i64, switches: &Switches) -> Result<Grant, InvalidGrant> {
        let Refresh {
            family,
            superseded_at,
        } = *self.refresh.get(value).ok_or(InvalidGrant)?;
        let company = self.families[family].company;
        if let Some(superseded_at) = superseded_at {
            self.counts.entry(company).or_default().superseded_uses += 1;
            if now - superseded_at >= i64::from(switches.old_token_grace_hours) * 3_600 {
                self.punish(family, switches);
                return Err(InvalidGrant);
            }
        }
        if self.is_dead(family, now) {
            return Err(InvalidGrant);
        }
        let age = now - self.families[family].value_issued_at;
        let rotates = switches.rotation == Rotation::EveryRefresh || age >= ROTATION_SECONDS;
        // A superseded value in its grace gives what has superseded it; it does not rotate a second time.
        if rotates && superseded_at.is_none() {
            self.rotate(family, now);
        }
        self.counts.entry(company).or_default().refreshes += 1;
        Ok(self.grant(family, now))
    }

    fn is_dead(&self, family: usize, now: i64) -> bool {
        let family = &self.families[family];
        family.revoked
            || now - family.value_issued_at >= REFRESH_SECONDS
            || now - family.consented_at >= HARD_SECONDS
    }

    fn rotate(&mut self, family: usize, now: i64) {
        let value = self.fresh("AB11", 46);
        self.refresh.insert(
            value.clone(),
            Refresh {
                family,
                superseded_at: None,
            },
        );
        let member = &mut self.families[family];
        let old = std::mem::replace(&mut member.value, value);
        member.value_issued_at = now;
        self.refresh.insert(
            old,
            Refresh {
                family,
                superseded_at: Some(now),
            },
        );
        self.counts
            .entry(self.families[family].company)
            .or_default()
            .rotations += 1;
    }

    fn grant(&mut self, family: usize, now: i64) -> Grant {
        if self.access.len() >= ACCESS_KEPT {
            self.access.retain(|_, access| now < access.expires_at);
        }
        let access_token = self.fresh("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..", 180);
        let access = Access {
            family,
            expires_at: now + ACCESS_SECONDS,
            revoked: false,
        };
        self.access.insert(access_token.clone(), access);
        let member = &self.families[family];
        Grant {
            access_token,
            refresh_token: member.value.clone(),
            refresh_expires_in: member.value_issued_at + REFRESH_SECONDS - now,
            hard_expires_in: member.consented_at + HARD_SECONDS - now,
        }
    }

    fn punish(&mut self, family: usize, switches: &Switches) {
        if switches.reused_token == ReusedToken::RevokesFamily {
            self.families[family].revoked = true;
        }
    }
}

#[cfg(test)]
mod tests;
