//! Which logs have arrived, and how often.

use datadog_dev_intake::Intake;

/// The numbers that have arrived.
#[derive(Default)]
pub(crate) struct Tally {
    /// Taken from the intake, which has forgotten them.
    seen: Numbers,
    /// Those, and what the intake holds now.
    now: Numbers,
    /// How often something went wrong.
    pub(crate) disturbances: u64,
    pub(crate) over_http: usize,
}

/// A set of small numbers, and how many were put into it.
#[derive(Default, Clone)]
struct Numbers {
    bits: Vec<u64>,
    given: u64,
    unique: u64,
}

impl Tally {
    /// Takes what the intake holds, and lets it forget that. Nothing may come in meanwhile, or it would be forgotten too.
    pub(crate) fn take(&mut self, intake: &Intake) {
        self.look(intake);
        let over_http = intake.raw_requests().into_iter();
        let over_http = over_http.filter(|request| request.path == "/api/v2/logs");
        self.over_http += over_http.filter_map(|request| request.items).sum::<usize>();
        let evicted = &intake.summary()["evicted"]["records"];
        assert_eq!(*evicted, 0, "the intake could not keep everything");
        intake.reset();
        self.seen = self.now.clone();
    }

    /// Looks at what the intake holds.
    pub(crate) fn look(&mut self, intake: &Intake) {
        self.now = self.seen.clone();
        for message in intake.messages() {
            let number = message.split(' ').nth(1).and_then(|word| word.parse().ok());
            let number = number.unwrap_or_else(|| panic!("nobody sent {message:?}"));
            self.now.add(number);
        }
    }

    /// Of so many, those that have not arrived.
    pub(crate) fn missing(&self, of: u64) -> Vec<u64> {
        (0..of).filter(|number| !self.now.has(*number)).collect()
    }

    pub(crate) fn unique(&self) -> u64 {
        self.now.unique
    }

    /// Arrivals beyond the first.
    pub(crate) fn twice(&self) -> u64 {
        self.now.given - self.now.unique
    }
}

impl Numbers {
    fn add(&mut self, number: u64) {
        let (word, bit) = place(number);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.given += 1;
        self.unique += u64::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
    }

    fn has(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

fn place(number: u64) -> (usize, u64) {
    (usize::try_from(number / 64).unwrap(), 1 << (number % 64))
}
