//! The clients: where each one keeps its servers, and in which form.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Surroundings;

/// An MCP client whose settings this program can be written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// Claude Desktop
    ClaudeDesktop,
    /// Claude Code, for all projects
    ClaudeCode,
    /// Cursor, for all projects
    Cursor,
    /// Visual Studio Code, for the default profile
    #[value(name = "vscode")]
    VsCode,
    /// Windsurf
    Windsurf,
    /// Gemini CLI
    Gemini,
    /// Codex
    Codex,
    /// Zed
    Zed,
}

/// The system that a client runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and the other systems that follow the XDG folders.
    Linux,
    /// macOS
    MacOs,
    /// Windows
    Windows,
}

impl Platform {
    /// The system of this program.
    pub const HERE: Platform = if cfg!(target_os = "macos") {
        Platform::MacOs
    } else if cfg!(windows) {
        Platform::Windows
    } else {
        Platform::Linux
    };
}

/// The language of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// JSON, with comments where there are any.
    Json,
    /// TOML
    Toml,
}

/// What differs between the clients, beside the place of the file.
pub(super) struct Row {
    pub title: &'static str,
    pub language: Language,
    /// The table of the file that holds the servers.
    pub section: &'static str,
    /// The field of an entry that says what kind of server it is.
    pub kind: Option<(&'static str, &'static str)>,
    /// How the client notices the change.
    pub then: &'static str,
}

impl Client {
    /// The name on the command line, such as `claude-code`.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What a person does so that the client notices a change of its file.
    pub fn then(self) -> &'static str {
        self.row().then
    }

    pub(super) fn row(self) -> Row {
        let json = |title, section, kind, then| Row {
            title,
            language: Language::Json,
            section,
            kind,
            then,
        };
        let stdio = Some(("type", "stdio"));
        let servers = "mcpServers";
        match self {
            Client::ClaudeDesktop => json(
                "Claude Desktop",
                servers,
                None,
                "Quit Claude Desktop and start it again.",
            ),
            Client::ClaudeCode => json(
                "Claude Code",
                servers,
                stdio,
                "Start Claude Code again; `/mcp` shows the server.",
            ),
            Client::Cursor => json(
                "Cursor",
                servers,
                stdio,
                "Cursor shows the server in its settings, under MCP.",
            ),
            Client::VsCode => json(
                "VS Code",
                "servers",
                stdio,
                "Run \"MCP: List Servers\" in VS Code and start it.",
            ),
            Client::Windsurf => json(
                "Windsurf",
                servers,
                None,
                "Refresh the servers in Windsurf's MCP settings.",
            ),
            Client::Gemini => json(
                "Gemini CLI",
                servers,
                None,
                "Start Gemini CLI again; `/mcp` shows the server.",
            ),
            Client::Codex => Row {
                title: "Codex",
                language: Language::Toml,
                section: "mcp_servers",
                kind: None,
                then: "Start Codex again; `/mcp` shows the server.",
            },
            // Older versions of Zed take an entry without its source for an extension's.
            Client::Zed => json(
                "Zed",
                "context_servers",
                Some(("source", "custom")),
                "Zed shows the server in its settings, under AI.",
            ),
        }
    }

    /// The file with the servers that this person has in all projects.
    pub fn file(self, surroundings: &Surroundings) -> PathBuf {
        let home = &surroundings.home;
        let moved = |variable: &str, folder: PathBuf| surroundings.folder(variable, folder);
        match self {
            Client::ClaudeDesktop => surroundings
                .packaged_claude()
                .unwrap_or_else(|| surroundings.app_data().join("Claude"))
                .join("claude_desktop_config.json"),
            Client::ClaudeCode => moved("CLAUDE_CONFIG_DIR", home.clone()).join(".claude.json"),
            Client::Cursor => home.join(".cursor").join("mcp.json"),
            Client::VsCode => surroundings
                .app_data()
                .join("Code")
                .join("User")
                .join("mcp.json"),
            Client::Windsurf => home
                .join(".codeium")
                .join("windsurf")
                .join("mcp_config.json"),
            Client::Gemini => home.join(".gemini").join("settings.json"),
            Client::Codex => moved("CODEX_HOME", home.join(".codex")).join("config.toml"),
            Client::Zed => match surroundings.platform {
                Platform::Linux => surroundings.app_data().join("zed"),
                Platform::MacOs => home.join(".config").join("zed"),
                Platform::Windows => surroundings.app_data().join("Zed"),
            }
            .join("settings.json"),
        }
    }
}

impl Surroundings<'_> {
    /// A folder that a variable moves elsewhere.
    fn folder(&self, variable: &str, default: PathBuf) -> PathBuf {
        let named = (self.variables)(variable).map(PathBuf::from);
        named
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(default)
    }

    /// Where graphical programs keep a person's settings.
    fn app_data(&self) -> PathBuf {
        match self.platform {
            Platform::Linux => self.folder("XDG_CONFIG_HOME", self.home.join(".config")),
            Platform::MacOs => self.home.join("Library").join("Application Support"),
            Platform::Windows => self.folder("APPDATA", self.home.join("AppData").join("Roaming")),
        }
    }

    /// The folder of Claude Desktop where Windows installed it as a package, as its
    /// present installer does: Windows shows the program this folder in place of
    /// the usual one, in which it would never look.
    fn packaged_claude(&self) -> Option<PathBuf> {
        if self.platform != Platform::Windows {
            return None;
        }
        let local = self.folder("LOCALAPPDATA", self.home.join("AppData").join("Local"));
        let packages = std::fs::read_dir(local.join("Packages")).ok()?.flatten();
        let claude = packages
            .filter(|package| package.file_name().to_string_lossy().starts_with("Claude_"))
            .map(|package| package.path().join("LocalCache").join("Roaming"));
        let found = claude.filter(|folder| folder.is_dir()).min();
        found.map(|folder| folder.join("Claude"))
    }
}
