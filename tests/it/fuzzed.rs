//! Foreign text of every kind that is read: the kept corpus of the fuzz
//! targets, and changed copies of it.
//!
//! `FUZZ_CASES` makes more copies; `cargo fuzz run TARGET` looks for new ones.

use std::path::Path;

use crate::support::number_from;

#[path = "../../fuzz/src/targets.rs"]
mod targets;

/// Numbers that look random, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
    }

    /// A copy with some bytes changed, removed, repeated, or taken from another.
    fn changed(&mut self, original: &[u8], other: &[u8]) -> Vec<u8> {
        let mut data = original.to_vec();
        for _ in 0..=self.below(4) {
            let place = self.below(data.len());
            let end = (place + 1 + self.below(8)).min(data.len());
            match self.below(5) {
                0 if !data.is_empty() => data[place] = self.0.to_le_bytes()[0],
                1 => drop(data.drain(place.min(end)..end)),
                2 => {
                    let piece = data[place.min(end)..end].to_vec();
                    data.splice(place..place, piece);
                }
                3 => {
                    let from = self.below(other.len());
                    let until = (from + self.below(16)).min(other.len());
                    data.splice(place..place, other[from.min(until)..until].iter().copied());
                }
                _ => data.truncate(place),
            }
        }
        data
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files = Vec::from_iter(
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[test]
fn foreign_text_of_every_kind_is_read_or_refused() {
    let cases = number_from("FUZZ_CASES", 120);
    let seed = number_from("FUZZ_SEED", std::process::id());
    std::thread::scope(|scope| {
        for (name, target) in targets::TARGETS {
            scope.spawn(move || {
                let kept = corpus(name);
                assert!(!kept.is_empty(), "{name} has no corpus");
                let mut ground = targets::Ground::new(Path::new(env!("CARGO_BIN_EXE_skyswitch")));
                let mut chance = Chance(u64::from(seed) * 2 + 1);
                let changed = (0..cases).map(|_| {
                    let (one, other) = (chance.below(kept.len()), chance.below(kept.len()));
                    chance.changed(&kept[one], &kept[other])
                });
                for data in kept.iter().cloned().chain(changed) {
                    let struck = std::panic::AssertUnwindSafe(|| target(&mut ground, &data));
                    if std::panic::catch_unwind(struck).is_err() {
                        panic!("{name}, seed {seed}: {:?}", String::from_utf8_lossy(&data));
                    }
                }
            });
        }
    });
}
