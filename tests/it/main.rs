//! All integration tests, in one binary. Each module is named for the
//! behaviour it holds.

mod approval_page;
mod command_line;
mod completion;
mod consent;
mod crash;
mod cut_off;
mod explain;
mod fallback_rules;
mod guard;
mod journal;
mod late_requests;
mod layers;
mod leaks;
mod limits;
mod lists;
mod login;
mod numbers;
mod onboarding;
mod onboarding_crash;
mod operations;
mod pace;
mod pbx_settings;
mod portfolio;
mod process;
mod prompts;
mod protocol;
mod resources;
mod retries;
mod sandbox_onboarding;
mod shutdown;
mod state;
mod support;
mod sync;
mod undo;
mod vip_files;
