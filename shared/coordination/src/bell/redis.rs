//! The bell of a fleet.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{AsyncCommands, Script, cmd};
use async_trait::async_trait;
use ledgerfleet_model::{Lane, SegmentId};

use super::Bell;
use crate::Unreachable;
use crate::redis::keys::Keys;
use crate::redis::link::{LONGEST_BLOCK, Link};
use crate::redis::reply::unreachable;

static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/replace-1.lua")));
static RING: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/ring-1.lua")));
static PROBE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/probe-1.lua")));

/// What `BZMPOP` answers: the set it popped from, and each member with its place.
type Popped = Option<(String, Vec<(String, f64)>)>;

/// Ready sets and ring in Redis.
#[derive(Clone)]
pub struct RedisBell {
    commands: Link,
    popping: Link,
    listening: Link,
    keys: Keys,
}

impl std::fmt::Debug for RedisBell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBell")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl RedisBell {
    pub(crate) fn new(commands: Link, popping: Link, listening: Link, keys: Keys) -> Self {
        Self {
            commands,
            popping,
            listening,
            keys,
        }
    }
}

#[async_trait]
impl Bell for RedisBell {
    async fn replace(&self, lane: Lane, ready: &[SegmentId]) -> Result<(), Unreachable> {
        let mut script = REPLACE.key(self.keys.lane(lane));
        for id in ready {
            script.arg(id.to_string());
        }
        let _: u64 = script
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(())
    }

    async fn pop(&self, most: usize, patience: Duration) -> Result<Vec<SegmentId>, Unreachable> {
        let mut command = cmd("BZMPOP");
        command.arg(blocking_seconds(patience)).arg(Lane::ALL.len());
        for lane in Lane::ALL {
            command.arg(self.keys.lane(*lane));
        }
        command.arg("MIN").arg("COUNT").arg(most.max(1));
        let popped: Popped = command
            .query_async(&mut self.popping.clone())
            .await
            .map_err(unreachable)?;
        let members = popped.map(|(_, members)| members).unwrap_or_default();
        // What is no id was not put there by us; it is gone from the set and concerns nobody.
        Ok(members
            .iter()
            .filter_map(|(member, _)| member.parse().ok())
            .collect())
    }

    async fn ready(&self, lane: Lane) -> Result<u64, Unreachable> {
        self.commands
            .clone()
            .zcard(self.keys.lane(lane))
            .await
            .map_err(unreachable)
    }

    async fn ring(&self) -> Result<(), Unreachable> {
        let _: u64 = RING
            .key(self.keys.ring())
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(())
    }

    async fn rung(&self, patience: Duration) -> Result<bool, Unreachable> {
        let heard: Option<(String, String)> = cmd("BLPOP")
            .arg(self.keys.ring())
            .arg(blocking_seconds(patience))
            .query_async(&mut self.listening.clone())
            .await
            .map_err(unreachable)?;
        Ok(heard.is_some())
    }

    async fn probe(&self) -> Result<(), Unreachable> {
        let key = self.keys.probe();
        let _: u64 = PROBE
            .key(&key)
            .invoke_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        // Another probe may have taken it; that this one was allowed to ask is enough. Asked where nobody waits for work.
        let _: Popped = cmd("BZMPOP")
            .arg(blocking_seconds(Duration::ZERO))
            .arg(1)
            .arg(&key)
            .arg("MIN")
            .query_async(&mut self.commands.clone())
            .await
            .map_err(unreachable)?;
        Ok(())
    }
}

/// The server reads 0 as "for ever".
fn blocking_seconds(patience: Duration) -> f64 {
    patience
        .clamp(Duration::from_millis(1), LONGEST_BLOCK)
        .as_secs_f64()
}
