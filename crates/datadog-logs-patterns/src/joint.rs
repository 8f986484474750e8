//! Finds neighbouring values that belong together: a page and its size, a user and its number.
//!
//! Where one value nearly always comes with the same neighbour, both become one value,
//! so that one entry of the dictionary stands for the two and for what is between them.

/// Lines of a pattern before anything is looked at.
const WARM_UP: u64 = 64;
/// Lines that are looked at before it is decided.
const ROWS: usize = 256;
/// Repetitions that a verdict needs at least.
const MIN_REPEATS: usize = 48;
/// Of so many repetitions one may have another neighbour.
const TOLERANCE: usize = 20;
/// Different values that a verdict needs at least.
const MIN_KINDS: usize = 5;
/// Values of a pattern above which nothing is looked at.
const MAX_VALUES: usize = 16;
/// How often a pattern may be looked at: two values that were joined may have a further neighbour.
const ROUNDS: u8 = 3;

/// What is known of the neighbours in one pattern.
#[derive(Debug, Default)]
pub(crate) struct Joints {
    rounds: u8,
    /// Values of a line.
    width: usize,
    /// The hashes of the values, a line after the other.
    rows: Vec<u32>,
}

impl Joints {
    /// Whether the values of the next line are wanted.
    pub(crate) fn is_curious(&self, lines: u64, values: usize) -> bool {
        self.rounds < ROUNDS && lines >= WARM_UP && (2..=MAX_VALUES).contains(&values)
    }

    /// The memory behind this value.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<u32>()
    }

    /// Takes the hashes of the values of a line.
    ///
    /// When enough lines were seen, returns for each pair of neighbours whether they belong together.
    pub(crate) fn observe(&mut self, values: &[u32]) -> Option<Vec<bool>> {
        if self.width != values.len() {
            self.width = values.len();
            self.rows.clear();
        }
        if self.rows.is_empty() {
            self.rows.reserve_exact(ROWS * self.width);
        }
        self.rows.extend_from_slice(values);
        if self.rows.len() < ROWS * self.width {
            return None;
        }
        let pairs = self.width.saturating_sub(1);
        let verdict: Vec<bool> = (0..pairs).map(|left| self.belong_together(left)).collect();
        self.rows = Vec::new();
        self.rounds = match verdict.contains(&true) {
            true => self.rounds + 1,
            false => ROUNDS,
        };
        Some(verdict)
    }

    /// Whether a value and the one right of it do.
    fn belong_together(&self, left: usize) -> bool {
        let lines = || self.rows.chunks_exact(self.width);
        let mut pairs: Vec<_> = lines().map(|row| (row[left], row[left + 1])).collect();
        if determines(&mut pairs) {
            return true;
        }
        let mut pairs: Vec<_> = lines().map(|row| (row[left + 1], row[left])).collect();
        determines(&mut pairs)
    }
}

/// Whether a value that comes again nearly always has the neighbour that it had before.
fn determines(pairs: &mut [(u32, u32)]) -> bool {
    // Stable, so that those of one value stay in the order of the lines.
    pairs.sort_by_key(|(value, _)| *value);
    let (mut repeats, mut broken) = (0, 0);
    for [before, now] in pairs.array_windows() {
        repeats += usize::from(before.0 == now.0);
        broken += usize::from(before.0 == now.0 && before.1 != now.1);
    }
    let kinds = pairs.len() - repeats;
    repeats >= MIN_REPEATS && broken * TOLERANCE <= repeats && kinds >= MIN_KINDS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict over lines of two values: one of ten that goes round, and one that follows from it, but not the other
    /// way round; in so many lines it does not.
    fn verdict(strays: u32) -> bool {
        let mut joints = Joints::default();
        let lines = u32::try_from(ROWS).unwrap();
        let verdict = (0..lines).find_map(|line| {
            let is_stray = line >= 10 && line % 20 == 15 && line / 20 < strays;
            let neighbour = if is_stray {
                1_000 + line
            } else {
                line % 10 / 2
            };
            joints.observe(&[line % 10, neighbour])
        });
        verdict.unwrap()[0]
    }

    #[test]
    fn neighbours_belong_together_if_one_repetition_in_twenty_at_most_breaks() {
        assert!(verdict(0));
        // A stray breaks two repetitions: its own, and the next one of the same value.
        assert!(verdict(6), "12 of 246");
        assert!(!verdict(7), "14 of 246");
    }

    #[test]
    fn a_value_of_few_kinds_determines_nothing() {
        let mut joints = Joints::default();
        let verdict = (0..256).find_map(|line| joints.observe(&[line % 4, line % 4]));
        assert_eq!(verdict, Some(vec![false]));
        assert!(
            !joints.is_curious(1_000, 2),
            "what was decided is not looked at again"
        );
    }

    #[test]
    fn what_the_lines_hold_is_given_back_with_the_verdict() {
        let mut joints = Joints::default();
        assert_eq!(joints.observe(&[1, 2, 3]), None);
        assert_eq!(joints.bytes(), ROWS * 3 * 4);
        let verdict = (0..255).find_map(|line| joints.observe(&[line, line, 7]));
        assert_eq!(verdict.map(|pairs| pairs.len()), Some(2));
        assert_eq!(joints.bytes(), 0);
    }
}
