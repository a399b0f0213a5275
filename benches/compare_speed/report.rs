//! The figures, their targets, and the two forms in which they are printed.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::measure::median;

/// What is compared, in the order of the table.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    Start,
    FirstList,
    ListP50,
    Processor,
    RateOverPipes,
    RateOverSockets,
    Added,
    Removed,
    ReadTenThousand,
    ReadHundredThousand,
    PeakResident,
}

enum Target {
    RatioAtMost(f64),
    RatioAtLeast(f64),
    OursAtMost(f64),
}

struct Meaning {
    key: &'static str,
    title: &'static str,
    unit: &'static str,
    target: Target,
}

impl Figure {
    const ALL: [Self; 11] = [
        Self::Start,
        Self::FirstList,
        Self::ListP50,
        Self::Processor,
        Self::RateOverPipes,
        Self::RateOverSockets,
        Self::Added,
        Self::Removed,
        Self::ReadTenThousand,
        Self::ReadHundredThousand,
        Self::PeakResident,
    ];

    fn meaning(self) -> Meaning {
        use Target::{OursAtMost, RatioAtLeast, RatioAtMost};
        let (key, title, unit, target) = match self {
            Self::Start => (
                "start_ms",
                "spawn -> initialize answered",
                "ms",
                RatioAtMost(0.5),
            ),
            Self::FirstList => (
                "first_list_ms",
                "spawn -> first list answered",
                "ms",
                RatioAtMost(1.0),
            ),
            Self::ListP50 => (
                "list_p50_us",
                "list of 5 routes, p50 of 1,000",
                "us",
                RatioAtMost(0.8),
            ),
            Self::Processor => (
                "processor_ms_per_1000_calls",
                "CPU per 1,000 calls",
                "ms",
                RatioAtMost(0.8),
            ),
            Self::RateOverPipes => (
                "calls_per_s_pipes",
                "64 in flight, pipes",
                "calls/s",
                RatioAtLeast(1.8),
            ),
            Self::RateOverSockets => (
                "calls_per_s_sockets",
                "64 in flight, sockets",
                "calls/s",
                RatioAtLeast(1.1),
            ),
            Self::Added => ("add_us", "add_vip, p50 of 200", "us", RatioAtMost(2.9)),
            Self::Removed => (
                "remove_us",
                "remove_vip, p50 of 200",
                "us",
                RatioAtMost(4.75),
            ),
            Self::ReadTenThousand => (
                "read_10000_ms",
                "10,000 routes read",
                "ms",
                RatioAtMost(1.0),
            ),
            Self::ReadHundredThousand => (
                "read_100000_ms",
                "100,000 routes read",
                "ms",
                RatioAtMost(1.5),
            ),
            Self::PeakResident => (
                "peak_mib",
                "peak after 100,000 routes read",
                "MiB",
                OursAtMost(64.0),
            ),
        };
        Meaning {
            key,
            title,
            unit,
            target,
        }
    }
}

impl Target {
    fn text(&self) -> String {
        match self {
            Self::RatioAtMost(most) => format!("<= {most}x"),
            Self::RatioAtLeast(least) => format!(">= {least}x"),
            Self::OursAtMost(most) => format!("<= {most} (ours)"),
        }
    }

    /// Whether the figures meet the target; `None` where there is no target.
    fn met(&self, ours: f64, ratio: f64) -> Option<bool> {
        match *self {
            Self::RatioAtMost(most) => Some(ratio <= most),
            Self::RatioAtLeast(least) => Some(ratio >= least),
            Self::OursAtMost(most) => Some(ours <= most),
        }
    }
}

/// All figures of all rounds.
#[derive(Default)]
pub(crate) struct Report {
    taken: Vec<(Figure, f64, f64)>,
}

struct Row {
    meaning: Meaning,
    ours: f64,
    baseline: f64,
    ratio: f64,
    met: Option<bool>,
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure, ours: f64, baseline: f64) {
        self.taken.push((figure, ours, baseline));
    }

    pub(crate) fn write_table(&self, out: &mut impl Write, rounds: u32) -> io::Result<()> {
        writeln!(
            out,
            "Medians of {rounds} alternated rounds; ratio = skyswitch / baseline.\n"
        )?;
        writeln!(
            out,
            "{:<34}{:>12}{:>12}  {:<8}{:>7}  {:<14}met",
            "", "skyswitch", "baseline", "", "ratio", "target"
        )?;
        for row in self.rows() {
            let met = row.met.map_or("", |met| if met { "yes" } else { "no" });
            let line = format!(
                "{:<34}{:>12}{:>12}  {:<8}{:>6.2}x  {:<14}{met}",
                row.meaning.title,
                short(row.ours),
                short(row.baseline),
                row.meaning.unit,
                row.ratio,
                row.meaning.target.text(),
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(
            out,
            "\nLong lists: skyswitch reads pages of 500 to the end, baseline has one list."
        )?;
        Ok(())
    }

    pub(crate) fn to_json(&self, rounds: u32) -> Value {
        let figures: Vec<Value> = self
            .rows()
            .map(|row| {
                let mut figure = json!({
                    "key": row.meaning.key,
                    "title": row.meaning.title,
                    "unit": row.meaning.unit,
                    "skyswitch": row.ours,
                    "baseline": row.baseline,
                    "ratio": row.ratio,
                });
                if let Some(met) = row.met {
                    figure["target"] = row.meaning.target.text().into();
                    figure["met"] = met.into();
                }
                figure
            })
            .collect();
        json!({ "rounds": rounds, "figures": figures })
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        Figure::ALL.into_iter().map(|figure| {
            let taken = || self.taken.iter().filter(move |row| row.0 == figure);
            let ours = median(&mut taken().map(|row| row.1).collect::<Vec<_>>());
            let baseline = median(&mut taken().map(|row| row.2).collect::<Vec<_>>());
            let meaning = figure.meaning();
            let ratio = ours / baseline;
            let met = meaning.target.met(ours, ratio);
            Row {
                meaning,
                ours,
                baseline,
                ratio,
                met,
            }
        })
    }
}

/// Three digits that count, or whole numbers from 100 on.
fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
