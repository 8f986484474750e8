//! How an encoder behaves, with the defaults of an agent and of a serverless function.

use crate::cluster::Learning;
use crate::eviction::Limits;
use crate::wire::Profile;

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The profile of the wire.
    pub profile: Profile,
    /// What to do with lines that are JSON objects.
    pub json: JsonMode,
    /// How patterns are learned.
    pub learning: Learning,
    /// How many patterns are kept.
    pub pattern_limits: Limits,
    /// How many entries the dictionary keeps.
    pub text_limits: Limits,
    /// When a batch is full.
    pub batch: BatchLimits,
    /// Bytes of the largest log.
    pub max_log_bytes: usize,
    /// Whether a log that is no valid UTF-8 also carries its exact bytes.
    pub exact_bytes_extension: bool,
    /// Bytes that samples of structures may take; 0 keeps none.
    pub sample_bytes: usize,
}

/// What to do with lines that are JSON objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonMode {
    /// They are text like any other: keys and separators become literals, values become variables.
    #[default]
    Text,
    /// Those that are their own canonical form travel as their message, which is text like any other,
    /// and the values of their other members. The rest are text.
    ///
    /// A quarter of the bytes of [`Options::text_limits`] is then for the schemas of such lines,
    /// and their keys take part in the dictionary.
    Columns,
    /// They travel as they are.
    Raw,
}

/// When a batch is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Logs.
    pub logs: usize,
    /// Bytes of the logs' texts.
    pub raw_bytes: usize,
    /// Bytes of what is sent, before compression, roughly.
    pub encoded_bytes: usize,
}

impl Default for Options {
    /// Profile A with the limits of an agent: 4,096 patterns and 8,192 texts in 8 MiB each.
    fn default() -> Self {
        Self {
            profile: Profile::A,
            json: JsonMode::Text,
            learning: Learning::default(),
            pattern_limits: limits(4_096, 8 << 20, 0.95, 0.85, 30_000),
            text_limits: limits(8_192, 8 << 20, 0.80, 0.70, 0),
            batch: BatchLimits::default(),
            max_log_bytes: 1 << 20,
            exact_bytes_extension: true,
            sample_bytes: 0,
        }
    }
}

impl Options {
    /// The limits of a serverless function: 512 patterns and 512 texts in 1 MiB each.
    pub fn serverless() -> Self {
        Self {
            pattern_limits: limits(512, 1 << 20, 0.95, 0.85, 30_000),
            text_limits: limits(512, 1 << 20, 0.80, 0.70, 0),
            ..Self::default()
        }
    }
}

fn limits(
    max_items: usize,
    max_bytes: usize,
    high_watermark: f64,
    low_watermark: f64,
    grace_ms: i64,
) -> Limits {
    Limits {
        max_items,
        max_bytes,
        high_watermark,
        low_watermark,
        age_decay: 0.5,
        grace_ms,
    }
}

impl Default for BatchLimits {
    /// 1,000 logs, 5 MB of texts, 1 MiB encoded.
    fn default() -> Self {
        Self {
            logs: 1_000,
            raw_bytes: 5_000_000,
            encoded_bytes: 1 << 20,
        }
    }
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            first_word_protection: true,
            first_word_max_cardinality: 100,
            max_patterns_per_cluster: 128,
            pattern_scan_budget: 128,
            saturation_threshold: 50,
            max_template_bytes: 16 << 10,
        }
    }
}
