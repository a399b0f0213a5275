//! All integration tests, in one binary. Each module is named for the
//! behaviour it holds.

mod approval_page;
mod command_line;
mod consent;
mod crash;
mod cut_off;
mod explain;
mod guard;
mod journal;
mod layers;
mod leaks;
mod limits;
mod lists;
mod login;
mod numbers;
mod operations;
mod pace;
mod process;
mod protocol;
mod retries;
mod shutdown;
mod state;
mod support;
mod sync;
mod undo;
mod vip_files;
