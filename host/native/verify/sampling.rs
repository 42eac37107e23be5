//! The pairs of a result that are sampled: at all distances, the same in each run.

/// Pseudo-random numbers, the same in each run (splitmix64).
#[derive(Default)]
pub(crate) struct Random(u64);

/// 2⁶⁴ divided by the golden ratio. Multiples of it, as fractions of 2⁶⁴, are evenly spread, however
/// many there are.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Creates the generator of another sequence for each seed.
    pub(crate) fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Returns a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        scale(self.bits(), end)
    }

    /// Returns two different places below `len`, which is at least 2, in any order: the first ones evenly
    /// spread over the turns, some of them at the ends; the second ones anywhere, or near.
    pub(super) fn pair(&mut self, turn: u64, len: usize) -> [usize; 2] {
        let spread = scale(turn.wrapping_mul(GOLDEN), len);
        let (a, near) = match turn % 16 {
            0 => (0, true),
            8 => (len - 1, true),
            odd => (spread, odd % 2 == 1),
        };
        let b = if near { self.near(a, len) } else { (a + 1 + self.below(len - 1)) % len };
        if self.below(2) == 0 { [a, b] } else { [b, a] }
    }

    /// Returns another place, at a distance whose magnitude is random: as many are 1 as from 512 to 1,023.
    pub(super) fn near(&mut self, place: usize, len: usize) -> usize {
        let most = len - 1;
        let least = 1 << self.below((usize::BITS - most.leading_zeros()) as usize);
        let distance = (least + self.below(least)).min(most);
        let [below, above] = [place.checked_sub(distance), Some(place + distance).filter(|at| *at < len)];
        match (below, above) {
            (Some(below), Some(above)) => [below, above][self.below(2)],
            (Some(one), None) | (None, Some(one)) => one,
            // The distance is too large: takes the farther end.
            (None, None) if place > most / 2 => 0,
            (None, None) => most,
        }
    }

    /// Returns a place between two others, or beside them at up to twice their distance.
    pub(super) fn around(&mut self, [a, b]: [usize; 2], len: usize) -> usize {
        let reach = 2 * a.abs_diff(b);
        let (least, most) = (a.min(b).saturating_sub(reach), (a.max(b) + reach).min(len - 1));
        least + self.below(most - least + 1)
    }
}

/// Returns a random number of 64 bits as one below `end`.
fn scale(random: u64, end: usize) -> usize {
    ((u128::from(random) * end as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_places_are_within_and_differ(len in 2usize..100_000, turn in 0u64..u64::MAX) {
            let mut random = Random(turn);
            let [a, b] = random.pair(turn, len);
            prop_assert!(a < len && b < len && a != b);
            let near = random.near(a, len);
            prop_assert!(near < len && near != a);
            prop_assert!(random.around([a, b], len) < len);
        }
    }

    #[test]
    fn a_thousand_pairs_reach_every_part_every_distance_and_both_directions() {
        for len in [46, 1000, 100_000, u32::MAX as usize] {
            let mut random = Random::default();
            let pairs: Vec<_> = (0..1000).map(|turn| random.pair(turn, len)).collect();
            let count =
                |holds: &dyn Fn([usize; 2]) -> bool| pairs.iter().filter(|pair| holds(**pair)).count();
            for part in 0..20 {
                let range = len * part / 20..len * (part + 1) / 20;
                assert!(count(&|[a, b]| range.contains(&a) || range.contains(&b)) > 50, "{len}: {part}");
            }
            for end in [0, len - 1] {
                assert!(count(&|pair| pair.contains(&end)) > 50, "{len}: {end}");
            }
            for bits in 0..usize::BITS - (len - 1).leading_zeros() {
                let (least, most) = (1 << bits, (2usize << bits).min(len));
                let distance = count(&|[a, b]| (least..most).contains(&a.abs_diff(b)));
                assert!(distance > if most < len { 8 } else { 0 }, "{len}: {distance} of {least}..{most}");
            }
            assert!((400..600).contains(&count(&|[a, b]| a < b)), "{len}");
            // Half of the pairs are any, so that most of them are far apart.
            assert!(count(&|[a, b]| a.abs_diff(b) > len / 4) > 200, "{len}");
        }
    }
}
