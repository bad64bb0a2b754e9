//! Which faults a drill brings about, one after the other. Pure.

use std::iter;
use std::time::Duration;

use crate::cluster::fault::Fault;

/// The faults of a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Series {
    /// Each of these faults, this many times.
    Each {
        /// The faults, in their order.
        faults: Vec<Fault>,
        /// The number of trials of each.
        trials: usize,
    },
    /// Faults in an order that follows from the seed.
    Random {
        /// Equal seeds make equal sequences.
        seed: u32,
        /// No fault begins later.
        time: Duration,
    },
}

impl Series {
    /// Returns the faults, one for each trial. The sequence of a seed has no end.
    pub fn faults(&self) -> Box<dyn Iterator<Item = Fault> + '_> {
        match self {
            Series::Each { faults, trials } => {
                Box::new(faults.iter().flat_map(|fault| iter::repeat_n(*fault, *trials)))
            }
            Series::Random { seed, .. } => Box::new(Rounds { state: (*seed).into(), round: vec![] }),
        }
    }

    /// Returns whether no more fault begins after this time.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        matches!(self, Series::Random { time, .. } if elapsed >= *time)
    }

    /// Returns the seed, if the order follows from one.
    pub fn seed(&self) -> Option<u32> {
        match self {
            Series::Each { .. } => None,
            Series::Random { seed, .. } => Some(*seed),
        }
    }
}

/// All faults in an order from a seed, and again in another one. So a short sequence has as many different ones as it can.
#[derive(Debug)]
struct Rounds {
    state: u64,
    /// What is left of this round, the next one at the end.
    round: Vec<Fault>,
}

impl Rounds {
    /// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): few lines, and the same numbers on every machine and in every version.
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Iterator for Rounds {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.round.is_empty() {
            self.round = Fault::ALL.to_vec();
            for last in (1..self.round.len()).rev() {
                let other = self.number() % (last as u64 + 1);
                self.round.swap(last, other as usize);
            }
        }
        self.round.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u32) -> Vec<&'static str> {
        let series = Series::Random { seed, time: Duration::from_secs(60) };
        series.faults().take(3 * Fault::ALL.len()).map(Fault::name).collect()
    }

    #[test]
    fn a_seed_is_a_sequence() {
        assert_eq!(random(7), random(7));
        assert_ne!(random(7), random(8));
        // Whoever repeats a drill of last year gets its sequence, unless the table has changed since.
        let mut numbers = Rounds { state: 1_234_567, round: vec![] };
        assert_eq!([numbers.number(), numbers.number()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn each_round_has_every_fault_once() {
        let (all, faults) = (Fault::ALL.len(), random(1));
        for round in faults.chunks(all) {
            let mut names = round.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
        assert_ne!(faults[..all], faults[all..2 * all]);
    }

    #[test]
    fn time_ends_a_random_drill_alone() {
        let each = Series::Each { faults: vec![Fault::Postgres, Fault::Zone], trials: 2 };
        let names: Vec<&str> = each.faults().map(Fault::name).collect();
        assert_eq!(names, ["postgres", "postgres", "zone", "zone"]);
        assert!(!each.is_over(Duration::from_secs(1_000_000)));
        let random = Series::Random { seed: 1, time: Duration::from_secs(60) };
        assert!(!random.is_over(Duration::from_secs(59)) && random.is_over(Duration::from_secs(60)));
    }
}
