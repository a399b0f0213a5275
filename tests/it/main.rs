//! All integration tests, in one binary. Each module is named for the
//! behaviour it holds.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails its test, and a long run says how far it is"
)]

mod acknowledgement;
mod agreeing;
mod allowance;
mod ani_users;
mod approval_page;
mod clear_and_move;
mod command_line;
mod command_words;
mod completion;
mod config_values;
mod consent;
mod crash;
mod customers;
mod cut_off;
mod dial_plans;
mod documented_commands;
mod documents;
mod earlier_versions;
mod ends;
mod explain;
mod fallback_rules;
mod faults;
mod first_day;
mod formats;
mod forwards;
mod full_disk;
mod fuzzed;
mod guard;
mod habits;
mod install;
mod inventory;
mod journal;
mod kept_by_number;
mod kept_outcomes;
mod last_days_apart;
mod last_days_over;
mod lasting_sandbox;
mod late_requests;
mod layers;
mod leaks;
mod limits;
mod list_answers;
mod lists;
mod login;
mod login_again;
mod logs;
mod long_lives;
mod marked_callers;
mod messages;
mod names_of_people;
mod names_told;
mod notes;
mod notes_come_back;
mod notes_of_lists;
mod notes_raced;
mod numbers;
mod onboarding;
mod onboarding_crash;
mod one_rule_at_a_time;
mod operations;
mod pace;
mod packages;
mod pbx_settings;
mod pin;
mod plans_sent_once;
mod poison_pills;
mod previews;
mod profiles;
mod prompts;
mod protocol;
mod reach;
mod read_back;
mod real_answers;
mod reference;
mod remembered;
mod resources;
mod results;
mod retries;
mod route_number;
mod routing_lag;
mod rows_in_doubt;
mod rules_again;
mod sandbox_onboarding;
mod secrets;
mod seen_changes;
mod setup_status;
mod shared_waits;
mod short_forms;
mod shutdown;
mod sign_in;
mod skeletons;
mod soak;
mod state;
mod state_folder;
mod support;
mod sync;
mod taken_calls;
mod terminal;
mod unasked;
mod undo;
mod undo_runs;
mod unread;
mod vip_files;
mod waiting;
mod write_probe;
mod written_files;
