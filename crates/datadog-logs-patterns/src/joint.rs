//! Finds neighbouring values that belong together: a page and its size, a user and its number.
//!
//! Where one value nearly always comes with the same neighbour, both become one value,
//! so that one entry of the dictionary stands for the two and for what is between them.

/// Lines of a pattern before anything is looked at.
const WARM_UP: u64 = 64;
/// Lines that are looked at before it is decided.
const ROWS: u32 = 256;
/// Repetitions that a verdict needs at least.
const MIN_REPEATS: u32 = 48;
/// Of so many repetitions one may have another neighbour.
const TOLERANCE: u32 = 10;
/// Values that are remembered of each neighbour.
const REMEMBERED: usize = 64;
/// Values of a pattern above which nothing is looked at.
const MAX_VALUES: usize = 16;
/// How often a pattern may be looked at: two values that were joined may have a further neighbour.
const ROUNDS: u8 = 3;

/// What is known of the neighbours in one pattern.
#[derive(Debug, Default)]
pub(crate) struct Joints {
    rows: u32,
    rounds: u8,
    pairs: Box<[Pair]>,
}

/// Two neighbouring values.
#[derive(Debug)]
struct Pair {
    forward: Dependence,
    backward: Dependence,
}

/// How firmly one value determines another.
#[derive(Debug)]
struct Dependence {
    remembered: Box<[(u32, u32)]>,
    repeats: u32,
    broken: u32,
}

impl Joints {
    /// Whether the values of the next line are wanted.
    pub(crate) fn is_curious(&self, lines: u64, values: usize) -> bool {
        self.rounds < ROUNDS && lines >= WARM_UP && (2..=MAX_VALUES).contains(&values)
    }

    /// The memory behind this value.
    pub(crate) fn bytes(&self) -> usize {
        self.pairs.len() * (size_of::<Pair>() + 2 * REMEMBERED * size_of::<(u32, u32)>())
    }

    /// Takes the hashes of the values of a line.
    ///
    /// When enough lines were seen, returns for each pair of neighbours whether they belong together.
    pub(crate) fn observe(&mut self, values: &[u32]) -> Option<Vec<bool>> {
        let pairs = values.len().saturating_sub(1);
        if self.pairs.len() != pairs {
            self.pairs = (0..pairs).map(|_| Pair::new()).collect();
            self.rows = 0;
        }
        for (pair, values) in self.pairs.iter_mut().zip(values.windows(2)) {
            pair.forward.note(values[0], values[1]);
            pair.backward.note(values[1], values[0]);
        }
        self.rows += 1;
        if self.rows < ROWS {
            return None;
        }
        let verdict: Vec<bool> = self.pairs.iter().map(Pair::belongs_together).collect();
        self.pairs = Box::default();
        self.rows = 0;
        self.rounds = match verdict.contains(&true) {
            true => self.rounds + 1,
            false => ROUNDS,
        };
        Some(verdict)
    }
}

impl Pair {
    fn new() -> Self {
        Self {
            forward: Dependence::new(),
            backward: Dependence::new(),
        }
    }

    fn belongs_together(&self) -> bool {
        self.forward.holds() || self.backward.holds()
    }
}

impl Dependence {
    fn new() -> Self {
        Self {
            remembered: vec![(0, 0); REMEMBERED].into_boxed_slice(),
            repeats: 0,
            broken: 0,
        }
    }

    fn note(&mut self, value: u32, neighbour: u32) {
        let place = &mut self.remembered[value as usize % REMEMBERED];
        if place.0 == value {
            self.repeats += 1;
            self.broken += u32::from(place.1 != neighbour);
        }
        *place = (value, neighbour);
    }

    /// Whether repetitions keep their neighbour, and there are different ones to speak of.
    fn holds(&self) -> bool {
        let kinds = self.remembered.iter().filter(|place| place.0 != 0).count();
        self.repeats >= MIN_REPEATS && self.broken * TOLERANCE <= self.repeats && kinds > 4
    }
}
