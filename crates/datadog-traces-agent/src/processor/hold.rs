//! Chunks that an inspector wants to see again: held as copies, shown to it now and then, and taken up where they were.
//!
//! All that comes after the inspector happens when a chunk is let go: obfuscation, stats and samplers see it once, at that
//! time. A chunk is never given up for having been held: where there is no place for it, it goes on as it is.

use std::time::Duration;

use tokio::time::Instant;

use super::copies::Copies;
use super::{Gone, Memory, Processor};
use crate::aggregator::Encoded;
use crate::decode::Allowance;
use crate::held::{LetGo, Waiting};
use crate::inspect::{Chance, Look};
use crate::root;
use crate::server::client::Client;
use crate::span::{Chunk, Payload};

/// The longest that a chunk is held, whatever is asked for.
const LONGEST: Duration = Duration::from_secs(60);

/// Which of the chunks that are held are to be let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of which all is known by now, and those that waited for as long as they may.
    Ready,
    /// All.
    All,
    /// All, and none is held from now on.
    Last,
}

impl Processor {
    /// Holds chunks of a payload, and lets those go on that there is no place for then.
    pub(super) fn hold<'a>(
        &'a self,
        payload: &Payload<'a>,
        chunks: Vec<(Chunk<'a>, Duration)>,
        client: &Client,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) {
        for (chunk, at_most) in chunks {
            let mut alone = payload.head();
            alone.chunks.push(chunk);
            let bytes = alone.owned_bytes();
            let room = (bytes <= self.held.max_bytes()).then(|| memory.of_all.try_reserve(bytes));
            let Some(reservation) = room.flatten() else {
                self.held.count(LetGo::NoMemory);
                self.go_on(alone, Some(Chance::Last), 0, client, memory, out);
                continue;
            };
            let gone = self.held.push(Waiting {
                payload: alone.into_owned(),
                client: Client {
                    computed_top_level: client.computed_top_level,
                    computed_stats: client.computed_stats,
                    ..Client::default()
                },
                until: Instant::now() + at_most.min(LONGEST),
                memory: reservation,
            });
            for waiting in gone {
                self.held.count(LetGo::MadeWay);
                self.let_go(waiting, Some(Chance::Last), memory, out);
            }
        }
    }

    /// Whether there is something to be let go.
    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Waits until there is.
    pub(crate) async fn held_some(&self) {
        self.held.filled().await;
    }

    /// Shows chunks that are held to the inspector, and takes up those that go on. One at a time does so.
    pub(crate) fn revisit(
        &self,
        which: Which,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) {
        if which == Which::Last {
            self.held.close();
        }
        let now = Instant::now();
        let mut still = Vec::new();
        let mut gone = Vec::new();
        for mut waiting in self.held.take() {
            let why = match which {
                Which::Ready if waiting.until <= now => LetGo::TimedOut,
                Which::Ready => LetGo::Settled,
                Which::All | Which::Last => LetGo::Flushed,
            };
            let chance = match why {
                LetGo::Settled => Chance::Open,
                _ => Chance::Last,
            };
            let look = self.show(&mut waiting.payload, chance);
            if chance == Chance::Open && look != Look::Done {
                still.push(waiting);
                continue;
            }
            gone.push((waiting, why));
        }
        self.held.put_back(still);
        for (waiting, why) in gone {
            self.held.count(why);
            self.let_go(waiting, None, memory, out);
        }
    }

    fn let_go(
        &self,
        waiting: Waiting,
        chance: Option<Chance>,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) {
        let paid = waiting.memory.bytes();
        let mut own = Memory {
            of_all: memory.of_all,
            // What is written may stand where the copy was.
            of_body: Some(waiting.memory),
            patience: memory.patience,
        };
        self.go_on(
            waiting.payload,
            chance,
            paid,
            &waiting.client,
            &mut own,
            out,
        );
    }

    /// Takes up a payload of one chunk where it was, which is shown for the last time before if it was not yet.
    fn go_on<'a>(
        &'a self,
        mut payload: Payload<'a>,
        chance: Option<Chance>,
        paid: usize,
        client: &Client,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) {
        if let Some(chance) = chance {
            self.show(&mut payload, chance);
        }
        let mut allowance = Allowance::new(memory.of_all, None, usize::MAX);
        let mut copies = Copies::of_copy(&mut allowance, paid);
        let mut roots = Vec::new();
        payload.chunks.retain_mut(|chunk| {
            // It has one, and no filter was for it.
            let Some(root) = root::find(&chunk.spans) else {
                return false;
            };
            match self.apply(chunk, root, client, &mut copies) {
                Ok(()) => roots.push(root),
                Err(Gone::Memory | Gone::Filtered | Gone::Later(_)) => self.no_memory_for(chunk),
            }
            !chunk.spans.is_empty()
        });
        for (index, root) in roots.iter().enumerate() {
            root::describe_payload(&mut payload, index, *root);
        }
        let now = crate::aggregator::service::now();
        self.sample(&mut payload, &roots, 1, client, now);
        self.encode(&payload, memory, out);
    }

    fn show(&self, payload: &mut Payload<'_>, chance: Chance) -> Look {
        let chunk = payload.chunks.first_mut();
        match (&self.inspector, chunk) {
            (Some(inspector), Some(chunk)) => inspector.inspect(chunk, chance),
            _ => Look::Done,
        }
    }
}
