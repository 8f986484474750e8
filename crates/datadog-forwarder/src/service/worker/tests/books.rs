//! The books under random answers: whatever happens, no item is lost or counted twice.

use proptest::prelude::*;

use super::*;

/// What may happen to a worker.
#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    Finish(prop::sample::Index, Answer),
    Wait(u16),
    Flush(u16),
    Cut,
    Drain,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Accepted,
    Busy(u8),
    Unreachable,
    KeyRefused,
    EncodingRefused,
    TooLarge,
    Refused,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let answer = prop_oneof![
        4 => Just(Answer::Accepted),
        3 => (0u8..3).prop_map(Answer::Busy),
        4 => Just(Answer::Unreachable),
        1 => Just(Answer::KeyRefused),
        1 => Just(Answer::EncodingRefused),
        2 => Just(Answer::TooLarge),
        1 => Just(Answer::Refused),
    ];
    let step = prop_oneof![
        6 => (1u8..40).prop_map(Step::Push),
        12 => (any::<prop::sample::Index>(), answer).prop_map(|(index, it)| Step::Finish(index, it)),
        4 => (0u16..3000).prop_map(Step::Wait),
        2 => (0u16..3000).prop_map(Step::Flush),
        1 => Just(Step::Cut),
    ];
    let drained = prop::collection::vec(step.clone(), 0..20);
    let end = drained.prop_map(|mut steps| {
        steps.insert(0, Step::Drain);
        steps
    });
    (prop::collection::vec(step, 0..150), prop::option::of(end))
        .prop_map(|(steps, end)| steps.into_iter().chain(end.into_iter().flatten()).collect())
}

/// A worker whose payloads are lists of item numbers, so that each item can be followed.
struct Model {
    rig: Rig,
    under_way: Vec<Start>,
    accepted: Vec<u32>,
    entered: u32,
    concurrency: usize,
}

impl Model {
    fn new(config: &Config) -> Self {
        Self {
            rig: rig(config),
            under_way: Vec::new(),
            accepted: Vec::new(),
            entered: 0,
            concurrency: match config.order {
                Order::Kept => 1,
                Order::Free => config.concurrency,
            },
        }
    }

    fn step(&mut self, step: Step) {
        let now = self.rig.now;
        match step {
            Step::Push(items) => self.push(u32::from(items)),
            Step::Finish(_, _) if self.under_way.is_empty() => {}
            Step::Finish(index, answer) => {
                let start = self.under_way.remove(index.index(self.under_way.len()));
                self.answer(&start, answer);
            }
            Step::Wait(millis) => self.rig.wait(u64::from(millis)),
            Step::Flush(millis) => self.rig.begin_flush(u64::from(millis)),
            Step::Cut => {
                let cut = self.rig.worker.cut_flush(now);
                self.under_way.retain(|start| !cut.contains(&start.id));
            }
            Step::Drain => {
                let deadline = self.rig.deadline(1_000_000);
                self.rig.worker.drain(deadline, now);
            }
        }
        self.advance();
    }

    fn push(&mut self, items: u32) {
        let body = (self.entered..self.entered + items).flat_map(u32::to_le_bytes);
        self.entered += items;
        self.rig.seq += 1;
        let payload = payload(self.rig.seq, body.collect(), u64::from(items), self.rig.now);
        self.rig.worker.push(payload, self.rig.now);
    }

    fn answer(&mut self, start: &Start, answer: Answer) {
        let outcome = match answer {
            Answer::Accepted => {
                self.accepted.extend(items(&start.body));
                Outcome::Accepted
            }
            Answer::Busy(0) => busy(),
            Answer::Busy(seconds) => busy_for(u64::from(seconds)),
            Answer::Unreachable => Outcome::Unreachable,
            Answer::KeyRefused => Outcome::KeyRefused {
                status: Some(403),
                changed: start.may_refresh_key,
            },
            Answer::EncodingRefused => Outcome::EncodingRefused,
            Answer::TooLarge => Outcome::TooLarge(halves(&start.body)),
            Answer::Refused => Outcome::Refused { status: 400 },
        };
        self.rig.worker.finish(start.id, outcome, self.rig.now, 0.5);
    }

    fn advance(&mut self) {
        let now = self.rig.now;
        while let Some(start) = self.rig.worker.start(now) {
            self.under_way.push(start);
        }
        self.rig.worker.trim(now);
        self.rig.worker.settle_flush(now);
        self.check();
    }

    fn check(&self) {
        let totals = self.rig.worker.totals();
        let dropped: u64 = totals.dropped.values().sum();
        assert_eq!(
            u64::from(self.entered),
            totals.items_sent + dropped + totals.pending_items,
            "handed over = sent + dropped + pending"
        );
        assert_eq!(totals.items_sent, count(self.accepted.len()));
        assert!(self.under_way.len() <= self.concurrency);
        let under_way: usize = self.under_way.iter().map(|it| it.body.len()).sum();
        assert!(totals.pending_bytes >= count(under_way));
    }

    /// Lets the intake accept everything until nothing is left.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            for start in std::mem::take(&mut self.under_way) {
                self.answer(&start, Answer::Accepted);
            }
            self.advance();
            if self.rig.worker.is_idle() {
                return;
            }
            if self.under_way.is_empty() {
                self.rig.wait_for_wake();
                // A flush whose deadline passes is ended by the service.
                self.rig.worker.cut_flush(self.rig.now);
            }
        }
        panic!("never idle");
    }
}

fn items(body: &[u8]) -> impl Iterator<Item = u32> {
    let chunks = body.chunks_exact(4);
    chunks.map(|item| u32::from_le_bytes(item.try_into().unwrap()))
}

fn halves(body: &Bytes) -> Option<[Half; 2]> {
    let items = body.len() / 4;
    let at = items / 2 * 4;
    (items > 1).then(|| {
        [body.slice(..at), body.slice(at..)].map(|body| Half {
            encoding: Encoding::Zstd(3),
            raw_len: body.len(),
            items: count(body.len() / 4),
            body,
        })
    })
}

proptest! {
    #[test]
    fn no_item_is_lost_or_counted_twice_and_kept_order_is_kept(
        steps in steps(),
        kept in any::<bool>(),
        host in any::<bool>(),
        drops in any::<bool>(),
        concurrency in 1usize..5,
    ) {
        let config = Config {
            order: if kept { Order::Kept } else { Order::Free },
            pauses: if host { HOST } else { config().pauses },
            overflow: if drops { Overflow::DropOldest } else { Overflow::Wait },
            concurrency,
            ..config()
        };
        let mut model = Model::new(&config);
        for step in steps {
            model.step(step);
        }
        model.settle();

        let mut accepted = model.accepted.clone();
        if kept {
            prop_assert!(accepted.is_sorted(), "{:?}", accepted);
        }
        accepted.sort_unstable();
        accepted.dedup();
        prop_assert_eq!(accepted.len(), model.accepted.len(), "accepted twice");
    }
}
