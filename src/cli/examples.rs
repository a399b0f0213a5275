//! Examples in the help of each command. Each of them is run by a test.

const EXAMPLES: [(&str, &[&str]); 50] = [
    (
        "",
        &[
            "skyswitch --sandbox vip list -d lakeside",
            "skyswitch demo",
            "skyswitch doctor",
        ],
    ),
    (
        "mcp",
        &["skyswitch mcp", "skyswitch mcp --sandbox --read-only"],
    ),
    ("approve", &["skyswitch approve"]),
    (
        "vip",
        &[
            "skyswitch vip list -d lakeside",
            "skyswitch vip add 6165550177 101 -d lakeside",
        ],
    ),
    (
        "vip list",
        &[
            "skyswitch vip list -d lakeside",
            "skyswitch vip ls 6165550123",
            "skyswitch vip list --format csv",
        ],
    ),
    (
        "vip add",
        &[
            "skyswitch vip add 6165550177 101 -d lakeside",
            "skyswitch vip add \"(616) 555-0178\" 102 -d lakeside --dnis 6165550100",
        ],
    ),
    (
        "vip remove",
        &[
            "skyswitch vip rm 6165550124 -d lakeside",
            "skyswitch vip rm 6165550125 -d lakeside --yes",
        ],
    ),
    (
        "vip import",
        &[
            "skyswitch vip import list.csv -d lakeside --dry-run",
            "skyswitch vip import list.csv -d lakeside --mode merge --yes",
        ],
    ),
    (
        "vip export",
        &[
            "skyswitch vip export -d lakeside",
            "skyswitch vip export -d lakeside --format json -o copy.json",
        ],
    ),
    ("vip clear", &["skyswitch vip clear -d lakeside --dry-run"]),
    (
        "vip move",
        &["skyswitch vip move --from 101 --to 102 -d lakeside --dry-run"],
    ),
    (
        "domains",
        &["skyswitch domains", "skyswitch domains --query bakery"],
    ),
    (
        "explain",
        &[
            "skyswitch explain 6165550123 -d lakeside",
            "skyswitch explain 6165550123 --dnis 6165550100",
        ],
    ),
    (
        "changes",
        &[
            "skyswitch changes --since yesterday",
            "skyswitch changes -d lakeside --since \"last week\" --until today",
        ],
    ),
    ("changes close", &["skyswitch changes close 1 --not-made"]),
    ("undo", &["skyswitch undo 1 --yes", "skyswitch undo --last"]),
    ("checklist", &["skyswitch checklist -d sunrise"]),
    (
        "ticket",
        &[
            "skyswitch ticket -d sunrise",
            "skyswitch ticket -d sunrise --sent T4711",
        ],
    ),
    (
        "checklist mark",
        &["skyswitch checklist mark -d sunrise --step dial_translation_rule --by Ada --note T4711"],
    ),
    (
        "onboard",
        &["skyswitch onboard -d sunrise --did 6165550170 --fallback-destination 100 --dry-run"],
    ),
    ("route", &["skyswitch route 6165550170 100 -d sunrise"]),
    (
        "status",
        &["skyswitch status", "skyswitch status --stage alarm"],
    ),
    ("numbers", &["skyswitch numbers -d lakeside"]),
    ("destinations", &["skyswitch destinations -d lakeside"]),
    ("token", &["skyswitch token", "skyswitch token --quiet"]),
    ("state", &["skyswitch state check"]),
    ("state prune", &["skyswitch state prune --older-than 400d"]),
    ("state check", &["skyswitch state check"]),
    ("state backup", &["skyswitch state backup journal.db"]),
    (
        "doctor",
        &[
            "skyswitch doctor",
            "skyswitch doctor --sample answers.json -d lakeside",
        ],
    ),
    ("pin", &["skyswitch pin set"]),
    ("pin set", &["skyswitch pin set"]),
    ("pin remove", &["skyswitch pin remove"]),
    ("pin status", &["skyswitch pin status"]),
    (
        "login",
        &[
            "skyswitch login",
            "skyswitch login --from-stdin < login.json",
        ],
    ),
    ("logout", &["skyswitch logout", "skyswitch logout --all"]),
    ("auth", &["skyswitch auth status"]),
    ("auth status", &["skyswitch auth status"]),
    ("config", &["skyswitch config list"]),
    ("config list", &["skyswitch config list"]),
    ("config get", &["skyswitch config get rate_limit"]),
    (
        "config set",
        &[
            "skyswitch config set rate_limit 10",
            "skyswitch config set protected 6165550123,6165550124",
        ],
    ),
    ("config unset", &["skyswitch config unset rate_limit"]),
    ("config path", &["skyswitch config path"]),
    ("profiles", &["skyswitch profiles"]),
    (
        "install",
        &[
            "skyswitch install cursor --dry-run",
            "skyswitch install claude-desktop --sandbox",
            "skyswitch install --list",
        ],
    ),
    ("completions", &["skyswitch completions bash"]),
    ("man", &["skyswitch man man1"]),
    ("demo", &["skyswitch demo"]),
    ("sandbox", &["skyswitch sandbox --list-habits"]),
];

/// What the exit codes mean, below the help of the whole.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not confirmed or blocked (nothing was changed), \
                          4 configuration or credentials missing or refused, \
                          5 status shows an alarm, 6 status could not tell of every customer.";

/// The text below the help of a command.
pub(super) fn of(path: &[&str]) -> Option<String> {
    let path = path.join(" ");
    let (_, lines) = EXAMPLES.iter().find(|(command, _)| *command == path)?;
    let list: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    let text = format!("Examples:{list}");
    Some(match path.as_str() {
        "" => format!("{text}\n\n{EXIT_CODES}"),
        _ => text,
    })
}
