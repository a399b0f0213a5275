//! What is said of VIP rules with a last day that is near or over, without changing
//! any of them.

use crate::app::App;
use crate::ops::vips::ends::{at_most, last_day, named};
use crate::ops::vips::notes::Notes;
use crate::ops::write::journal::now;
use skyswitch_domain::{AccountId, Operation, Route};
use skyswitch_guard::store::NoteRecord;

/// What counts as soon, in milliseconds: a last day within a week.
const SOON: i64 = 8 * 86_400_000;

impl App {
    /// What to say of rules that end soon, of those that should have ended, and of
    /// those whose last day may not hold any more: of the customers that are meant,
    /// by a list of all rules that was read just now.
    pub(in crate::ops) async fn ends_soon(
        &self,
        account: &AccountId,
        rules: &[Route],
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let now = now();
        let (ending, doubtful) = tokio::join!(
            self.ending(Some(account), now + SOON, false),
            self.ending(Some(account), now + SOON, true),
        );
        let mut ending = ending.unwrap_or_default();
        ending.extend(doubtful.unwrap_or_default());
        let there = Notes::of_records(ending.clone()).of_any(rules);
        let said = ending
            .into_iter()
            .filter(|ending| is_meant(&ending.rule.key.domain) && there.contains(&ending.id))
            .map(|ending| match (ending.is_doubtful, ends_at(&ending) < now) {
                (true, _) => format!(
                    "{} was gone or otherwise meanwhile and is there again: it is not removed by itself. {} removes it",
                    named(&ending),
                    Operation::RemoveVip
                ),
                (false, true) if self.may_end() => format!(
                    "{} is still there; whoever lists or changes VIP rules of this customer next removes it, unless SkySwitch may remove other rules along with it: {} asks a person",
                    named(&ending),
                    Operation::RemoveVip
                ),
                (false, true) => format!(
                    "{} is still there, and nothing is removed here: changes, or removals, are switched off",
                    named(&ending)
                ),
                (false, false) => format!(
                    "The VIP rule of {} in {} ends after {}",
                    ending.rule.key.ani,
                    ending.rule.key.domain,
                    last_day(&ending)
                ),
            });
        at_most(said.collect(), "end soon or should have ended")
    }
}

fn ends_at(ended: &NoteRecord) -> i64 {
    ended.until().map_or(i64::MAX, |until| until.ends_at)
}
