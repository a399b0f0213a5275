//! Where a value comes from.

use serde::Serialize;

use super::place::as_shown;

/// Where a value comes from, and the name that it has there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The kind of place.
    pub from: OriginKind,
    /// The name of the variable, flag or field.
    pub name: String,
    /// The config file of a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The kinds of places that values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// A flag of the command.
    Flag,
    /// An exported variable.
    Variable,
    /// A field of the config file.
    ConfigFile,
    /// The program itself, where nobody has set anything.
    Default,
}

impl Origin {
    pub(super) fn variable(name: &str) -> Origin {
        Origin {
            from: OriginKind::Variable,
            name: as_shown(name),
            file: None,
        }
    }

    pub(super) fn flag(name: &str) -> Origin {
        Origin {
            from: OriginKind::Flag,
            ..Origin::variable(name)
        }
    }

    /// The value that nobody has set.
    pub(super) fn nowhere() -> Origin {
        Origin {
            from: OriginKind::Default,
            ..Origin::variable("")
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, &self.file) {
            (OriginKind::Flag, _) => write!(f, "the flag {}", self.name),
            (OriginKind::Variable, _) => write!(f, "the variable {}", self.name),
            (OriginKind::ConfigFile, Some(file)) => write!(f, "`{}` in {file}", self.name),
            (OriginKind::ConfigFile, None) => write!(f, "`{}`", self.name),
            (OriginKind::Default, _) => f.write_str("the default"),
        }
    }
}
