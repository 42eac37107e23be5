//! A tree of losers: which of several sources comes first, by one comparison for each level.

use crate::callback::Answer;

/// A tournament between sources, which are known by their numbers. Each inner node has the loser of the
/// match there (Knuth, volume 3, section 5.4.1).
pub(in crate::sort) struct LoserTree {
    /// The loser at each inner node, from 1 on; at 0 the winner of all.
    losers: Vec<usize>,
}

impl LoserTree {
    /// Plays all matches of `count` sources, at least one. `wins(a, b)`: whether `a` comes before `b`, a
    /// greater number.
    pub(in crate::sort) fn new(
        count: usize,
        mut wins: impl FnMut(usize, usize) -> Answer<bool>,
    ) -> Answer<LoserTree> {
        // The winner at each node: at the leaves, the sources.
        let mut winners: Vec<_> = (0..2 * count).map(|node| node.saturating_sub(count)).collect();
        let mut losers = vec![0; count];
        for node in (1..count).rev() {
            let pair = [winners[2 * node], winners[2 * node + 1]];
            let [winner, loser] = play(pair, &mut wins)?;
            (winners[node], losers[node]) = (winner, loser);
        }
        losers[0] = if count > 1 { winners[1] } else { 0 };
        Ok(LoserTree { losers })
    }

    /// Returns the source that comes first.
    pub(in crate::sort) fn winner(&self) -> usize {
        self.losers[0]
    }

    /// Plays the matches of the winner again, which has changed.
    pub(in crate::sort) fn replay(
        &mut self,
        mut wins: impl FnMut(usize, usize) -> Answer<bool>,
    ) -> Answer<()> {
        let mut winner = self.losers[0];
        let mut node = (winner + self.losers.len()) / 2;
        while node > 0 {
            [winner, self.losers[node]] = play([winner, self.losers[node]], &mut wins)?;
            node /= 2;
        }
        self.losers[0] = winner;
        Ok(())
    }
}

/// Returns the winner and the loser.
fn play([a, b]: [usize; 2], wins: &mut impl FnMut(usize, usize) -> Answer<bool>) -> Answer<[usize; 2]> {
    let first = if a < b { wins(a, b)? } else { !wins(b, a)? };
    Ok(if first { [a, b] } else { [b, a] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merge(
        runs: &[Vec<u8>],
        mut wins: impl FnMut(Option<&u8>, Option<&u8>) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut at = vec![0; runs.len()];
        let mut order = Vec::new();
        let mut wins = |at: &[usize], a: usize, b: usize| Ok(wins(runs[a].get(at[a]), runs[b].get(at[b])));
        let mut tree = LoserTree::new(runs.len(), |a, b| wins(&at, a, b)).unwrap();
        for _ in 0..runs.iter().map(Vec::len).sum() {
            let winner = tree.winner();
            order.push((winner, at[winner]));
            at[winner] += 1;
            tree.replay(|a, b| wins(&at, a, b)).unwrap();
        }
        order
    }

    proptest! {
        #[test]
        fn sorted_runs_merge_stably(
            mut runs in proptest::collection::vec(proptest::collection::vec(0u8..9, 0..20), 1..12),
        ) {
            runs.iter_mut().for_each(|run| run.sort());
            let merged = merge(&runs, |a, b| match (a, b) {
                (Some(a), Some(b)) => a <= b,
                (a, _) => a.is_some(),
            });
            let mut naive: Vec<_> =
                (0..runs.len()).flat_map(|run| (0..runs[run].len()).map(move |at| (run, at))).collect();
            naive.sort_by_key(|(run, at)| runs[*run][*at]);
            prop_assert_eq!(merged, naive);
        }

        #[test]
        fn no_answer_loses_an_item(
            runs in proptest::collection::vec(proptest::collection::vec(0u8..9, 0..20), 1..12),
            answers in proptest::collection::vec(proptest::bool::ANY, 1..50),
        ) {
            let mut answers = answers.into_iter().cycle();
            let merged = merge(&runs, |a, b| match (a, b) {
                (Some(_), Some(_)) => answers.next().unwrap(),
                (a, _) => a.is_some(),
            });
            let mut sorted = merged.clone();
            sorted.sort();
            let all: Vec<_> =
                (0..runs.len()).flat_map(|run| (0..runs[run].len()).map(move |at| (run, at))).collect();
            prop_assert_eq!(sorted, all);
        }
    }
}
