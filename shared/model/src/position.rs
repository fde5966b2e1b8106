//! Position: where the reading of a window goes on.

/// A place in a window, as the connector that made it writes it. To everyone else it is an opaque text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position(String);

impl Position {
    /// The position that a connector has written as `text`. An empty one is the window's beginning.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The window's beginning.
    pub const fn start() -> Self {
        Self(String::new())
    }

    /// The text, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
