#![doc = include_str!("../README.md")]

#[cfg(feature = "armed")]
mod armed;
#[cfg(feature = "armed")]
mod plan;
mod point;

pub use point::Point;

/// Nothing: this build has no fail points.
#[cfg(not(feature = "armed"))]
#[inline]
pub fn reach(_: Point, _: &str) -> std::future::Ready<()> {
    std::future::ready(())
}

/// Does what the plan wants at this step, which is about `subject` (an entity's name).
#[cfg(feature = "armed")]
pub async fn reach(point: Point, subject: &str) {
    armed::reach(point, subject).await;
}
