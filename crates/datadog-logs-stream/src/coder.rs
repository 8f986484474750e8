//! From logs to sealed batches: the encoder of a pipeline and what it needs to write them.
//!
//! Pure and slow, compared with everything else here: a driver runs it where it may take a thread for itself.

use datadog_logs_patterns::encoder::{Encoder, Input, Options, Stats};
use datadog_logs_patterns::wire::Profile;

use crate::inflight::Batch;
use crate::writer::Writer;

/// Logs that are encoded together, and whose fate their owner learns together.
pub trait Logs {
    /// Calls `each` with every log in order, as that profile has it: in A the service of a log is one of its tags.
    fn for_each(&self, profile: Profile, each: &mut dyn FnMut(&Input<'_>));

    /// How many there are.
    fn count(&self) -> usize;

    /// About how many bytes they have together.
    fn bytes(&self) -> usize;
}

/// What generation A does with a log that has no tags, or no status, behind one that has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ANone {
    /// An empty text stands for none.
    #[default]
    EmptyValue,
    /// It begins another batch, for intakes that refuse the empty text.
    NewBatch,
}

/// The encoder of one pipeline.
#[derive(Debug)]
pub struct Coder {
    encoder: Encoder,
    options: Options,
    writer: Writer,
    a_none: ANone,
    seed: u64,
    /// Whether the last log of the open batch had tags and a status.
    had: [bool; 2],
    too_large: u64,
}

impl Coder {
    /// A coder with empty state. The seed should be random where logs come from strangers.
    pub fn new(options: Options, writer: Writer, a_none: ANone, seed: u64) -> Self {
        Self {
            encoder: Encoder::new(options, seed),
            options,
            writer,
            a_none,
            seed,
            had: [false; 2],
            too_large: 0,
        }
    }

    /// Forgets all that was learned, and goes on in that profile.
    pub fn begin_anew(&mut self, profile: Profile) {
        self.options.profile = profile;
        self.writer.set_profile(profile);
        self.encoder = Encoder::new(self.options, self.seed);
        self.had = [false; 2];
    }

    /// Halves what is kept, down to a few entries: the other end cannot hold more.
    pub fn shrink(&mut self) {
        for limits in [
            &mut self.options.pattern_limits,
            &mut self.options.text_limits,
        ] {
            limits.max_items = (limits.max_items / 2).max(LEAST_ITEMS);
            limits.max_bytes = (limits.max_bytes / 2).max(LEAST_BYTES);
        }
        self.encoder
            .set_limits(self.options.pattern_limits, self.options.text_limits);
    }

    /// What the encoder has done and holds.
    pub fn stats(&self) -> Stats {
        self.encoder.stats()
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Logs that were larger than the encoder takes, and left out.
    pub fn too_large(&self) -> u64 {
        self.too_large
    }

    /// Encodes logs, in at least `parts` batches if there are so many; the receipt goes with the last.
    ///
    /// # Errors
    /// When the compressor fails; the state is of no use then, and the logs come back.
    pub fn encode<L: Logs>(
        &mut self,
        logs: L,
        parts: usize,
        now_ms: i64,
    ) -> Result<Vec<Batch<L>>, L> {
        let most = logs.count().div_ceil(parts.max(1)).max(1);
        let mut batches = Vec::new();
        let mut failed = false;
        logs.for_each(self.options.profile, &mut |input| {
            if self.must_seal(input, most) {
                failed |= self.seal(&mut batches).is_err();
            }
            self.had = [!input.tags.is_empty(), input.status.is_some()];
            if self.encoder.push(input, now_ms).is_err() {
                self.too_large += 1;
            }
        });
        failed |= self.seal(&mut batches).is_err();
        match batches.last_mut() {
            Some(last) if !failed => last.receipt = Some(logs),
            _ => return Err(logs),
        }
        Ok(batches)
    }

    fn must_seal(&self, input: &Input<'_>, most: usize) -> bool {
        let open = self.encoder.open_logs();
        let lacks = [input.tags.is_empty(), input.status.is_none()];
        let needs_none = (lacks.iter().zip(&self.had)).any(|(lacks, had)| *lacks && *had);
        open > 0
            && (open >= most
                || !self.encoder.has_room_for(input.body.len())
                || (needs_none
                    && self.a_none == ANone::NewBatch
                    && self.options.profile == Profile::A))
    }

    fn seal<L>(&mut self, batches: &mut Vec<Batch<L>>) -> std::io::Result<()> {
        let operations = self.encoder.seal();
        let data = self.writer.write(&operations)?;
        batches.push(Batch {
            operations,
            data,
            receipt: None,
        });
        Ok(())
    }
}

/// What is kept at least, however often the state was halved.
const LEAST_ITEMS: usize = 16;
const LEAST_BYTES: usize = 64 << 10;
