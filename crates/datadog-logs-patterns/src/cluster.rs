//! Clusters: which pattern a line belongs to, and how patterns are learned from lines.
//!
//! Lines of one structural signature make a cluster, and only they may share a pattern.
//! A structure that is seen for the first time is only remembered;
//! the pattern is made at the second sighting, from what the two lines have in common.
//! A line that nearly fits a pattern widens it; the same id then stands for the wider one.

mod first_word;
mod merge;
mod pattern;
mod time_heads;

use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use crate::eviction::{Candidate, Limits, Usage};
use crate::joint::Joints;
use crate::operation::PatternId;
use crate::template::{Line, Mark, Template};
use crate::token::{Kind, Tokens};
use crate::waiting::Waiting;
use first_word::first_word;
use merge::{join_lessons, merge};
use pattern::{PATIENCE, patience, slots};
use time_heads::TimeHeads;

pub(crate) use pattern::{Pattern, Slot};

/// The signature under which the pattern of the empty line is kept; other lines have tokens.
const EMPTY_SIGNATURE: u64 = 0;
/// Patterns that are tried before a line is cut into tokens.
const RECENT: usize = 8;
/// The place of no pattern.
const NO_PATTERN: u32 = u32::MAX;
/// Bytes between two values that may become one.
const JOINT_GAP: usize = 16;
/// Tokens of a line that is long.
const LONG_LINE: usize = 256;

/// About what a cluster takes, most of which have one pattern.
const CLUSTER_BYTES: usize = 2 * size_of::<Cluster>();
/// Logs from one eviction to the next, as long as no limit is reached.
const EVICTION_PAUSE: u64 = 64;

/// How patterns are learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learning {
    /// Whether the first word of a line stays literal.
    pub first_word_protection: bool,
    /// First words of a cluster above which they become variable after all.
    pub first_word_max_cardinality: usize,
    /// Patterns of a cluster above which a new one is merged into the closest; 0 is no limit.
    pub max_patterns_per_cluster: usize,
    /// Patterns that are tried for a line; 0 is no limit.
    pub pattern_scan_budget: usize,
    /// Lines in a row that leave a pattern unchanged until it counts as saturated; 0 never.
    pub saturation_threshold: u32,
    /// Bytes of a template.
    pub max_template_bytes: usize,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It fits a pattern as it is.
    Known(u32),
    /// A pattern was made or widened for it, and has to be defined.
    Changed(u32),
    /// Its structure is new, or has no pattern that is worth it.
    Raw {
        /// The structure.
        structure: u64,
        /// Why.
        reason: Reason,
    },
}

/// Why a line has no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its structure is seen for the first time.
    New,
    /// Its template would be too long, or almost all values.
    Unsuitable,
}

#[derive(Debug, Default)]
struct Cluster {
    /// The one used last comes first.
    patterns: Vec<u32>,
    first_words: HashSet<u64, foldhash::fast::FixedState>,
    unprotected: bool,
}

type Map<V> = HashMap<u64, V, foldhash::fast::FixedState>;

/// All patterns of one stream, by the signature of the lines they fit.
#[derive(Debug)]
pub(crate) struct Clusters {
    learning: Learning,
    patterns: Vec<Option<Box<Pattern>>>,
    free: Vec<u32>,
    live: usize,
    clusters: Map<Cluster>,
    waiting: Waiting,
    pattern_bytes: usize,
    /// The memory behind the clusters in their table.
    cluster_bytes: usize,
    /// The log before which nothing is evicted, unless a limit is reached.
    evict_from: u64,
    compared: u64,
    next_id: PatternId,
    next_structure: u64,
    hot_hits: u64,
    time_heads: TimeHeads,
    /// The patterns used lately, the last one first.
    recent: Vec<u32>,
}

impl Clusters {
    pub(crate) fn new(learning: Learning, seed: u64) -> Self {
        let state = foldhash::fast::FixedState::with_seed(seed);
        Self {
            learning,
            patterns: Vec::new(),
            free: Vec::new(),
            live: 0,
            clusters: Map::with_hasher(state.clone()),
            waiting: Waiting::new(state),
            pattern_bytes: 0,
            cluster_bytes: 0,
            evict_from: 0,
            compared: 0,
            next_id: 1,
            next_structure: 1,
            hot_hits: 0,
            time_heads: TimeHeads::default(),
            recent: Vec::with_capacity(RECENT),
        }
    }

    /// How many patterns there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// How many clusters there are.
    pub(crate) fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// Lines that fitted the pattern which their cluster had used last.
    pub(crate) fn hot_hits(&self) -> u64 {
        self.hot_hits
    }

    /// Patterns that many lines in a row have left unchanged.
    pub(crate) fn saturated(&self) -> usize {
        let threshold = self.learning.saturation_threshold;
        self.iter()
            .filter(|pattern| threshold > 0 && pattern.unchanged >= threshold)
            .count()
    }

    /// The memory that the patterns take, with that of the tables that hold them.
    pub(crate) fn bytes(&self) -> usize {
        self.pattern_bytes
            + self.cluster_bytes
            + self.clusters.allocation_size()
            + self.patterns.capacity() * size_of::<Option<Box<Pattern>>>()
            + self.free.capacity() * size_of::<u32>()
    }

    /// How often a pattern was compared with a line, or looked at because some had to leave.
    pub(crate) fn compared(&self) -> u64 {
        self.compared
    }

    /// The memory of lines that wait for a second of their structure.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter().flatten().map(|pattern| &**pattern)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Pattern> {
        self.patterns.get(index as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Pattern> {
        self.patterns.get_mut(index as usize)?.as_deref_mut()
    }

    /// A structure that no other line has.
    pub(crate) fn new_structure(&mut self) -> u64 {
        self.next_structure += 1;
        self.next_structure - 1
    }

    /// Finds the pattern of an ASCII line among those used lately, with its values, and without its tokens.
    pub(crate) fn guess(
        &mut self,
        text: &[u8],
        values: &mut Vec<Range<u32>>,
        now_ms: i64,
        log: u64,
    ) -> Option<u32> {
        let after_last = self.recent.first().and_then(|last| self.get(*last));
        let next = after_last.map_or(NO_PATTERN, |pattern| pattern.next);
        let fitting = |index: u32, values: &mut Vec<Range<u32>>| {
            self.get(index).is_some_and(|pattern| {
                pattern.to_join.is_empty() && pattern.template.fits_directly(text, values)
            })
        };
        let found = if fitting(next, values) {
            Some(next)
        } else {
            let mut recent = self.recent.iter().copied().filter(|index| *index != next);
            recent.find(|index| fitting(*index, values))
        };
        let index = found?;
        self.hot_hits += 1;
        self.used(index, now_ms, log);
        Some(index)
    }

    /// Notes that a line has used a pattern as it is.
    fn used(&mut self, index: u32, now_ms: i64, log: u64) {
        self.remember(index);
        if let Some(pattern) = self.get_mut(index) {
            pattern.usage.touch(now_ms);
            pattern.log = log;
            pattern.unchanged = pattern.unchanged.saturating_add(1);
        }
    }

    /// Puts a pattern in front of those used lately.
    fn remember(&mut self, index: u32) {
        let last = self.recent.first().copied();
        if let Some(last) = last.and_then(|last| self.get_mut(last)) {
            last.next = index;
        }
        match self.recent.iter().position(|other| *other == index) {
            Some(place) => self.recent[..=place].rotate_right(1),
            None => {
                self.recent.truncate(RECENT - 1);
                self.recent.insert(0, index);
            }
        }
    }

    /// Finds the pattern of a line, learning from it.
    pub(crate) fn assign(&mut self, line: Line<'_>, now_ms: i64, log: u64) -> Found {
        let signature = line.tokens.signature();
        if let Some(index) = self.fitting(signature, line) {
            self.used(index, now_ms, log);
            return match self.join(index, line) {
                true => Found::Changed(index),
                false => Found::Known(index),
            };
        }
        self.learn(signature, line, now_ms, log)
    }

    /// The pattern of the empty line, and whether it has to be defined.
    pub(crate) fn empty_pattern(&mut self, now_ms: i64, log: u64) -> (PatternId, bool) {
        let signature = EMPTY_SIGNATURE;
        let known = self
            .clusters
            .get(&signature)
            .and_then(|cluster| cluster.patterns.first().copied());
        if let Some(pattern) = known.and_then(|index| self.get_mut(index)) {
            pattern.usage.touch(now_ms);
            pattern.log = log;
            return (pattern.id, false);
        }
        let tokens = Tokens::default();
        let line = Line {
            text: b"",
            tokens: &tokens,
        };
        let index = self.add(
            signature,
            Template::new(line, Vec::new()),
            line,
            0,
            now_ms,
            log,
        );
        (self.get(index).map_or(0, |pattern| pattern.id), true)
    }

    /// Notes what the values of a line tell about those that belong together.
    pub(crate) fn observe(&mut self, index: u32, values: &[u32]) {
        let Some(pattern) = self.patterns[index as usize].as_deref_mut() else {
            return;
        };
        let before = pattern.bytes();
        if let Some(verdict) = pattern.joints.observe(values)
            && verdict.contains(&true)
        {
            pattern.to_join = verdict;
        }
        self.pattern_bytes = self.pattern_bytes - before + pattern.bytes();
    }

    /// Joins values that turned out to belong together; tells whether the pattern has changed.
    fn join(&mut self, index: u32, line: Line<'_>) -> bool {
        let Some(pattern) = self.patterns[index as usize].as_deref_mut() else {
            return false;
        };
        if pattern.to_join.is_empty() {
            return false;
        }
        let before = pattern.bytes();
        let verdict = std::mem::take(&mut pattern.to_join);
        let mut marks = pattern.template.marks().to_vec();
        let pairs = pattern.template.params().windows(2);
        let timeless = pattern
            .slots
            .windows(2)
            .map(|pair| !pair[0].time && !pair[1].time);
        for ((pair, together), timeless) in pairs.zip(verdict).zip(timeless) {
            if !together || !timeless {
                continue;
            }
            let gap = usize::from(pair[0].end)..usize::from(pair[1].first);
            let structure = gap
                .clone()
                .any(|index| line.tokens.kind(index) == Kind::Structure);
            if !structure && line.gap(&gap) <= JOINT_GAP {
                marks[gap].fill(Mark::Inner);
            }
        }
        let template = Template::new(line, marks);
        let changed = template != pattern.template && is_suitable(&self.learning, &template, line);
        if changed {
            pattern.slots = slots(&template, line, Some(pattern));
            pattern.template = template;
        }
        self.pattern_bytes = self.pattern_bytes - before + pattern.bytes();
        changed
    }

    /// The pattern that gives this line back; it becomes the first to be tried.
    fn fitting(&mut self, signature: u64, line: Line<'_>) -> Option<u32> {
        let cluster = self.clusters.get_mut(&signature)?;
        let (patterns, budget) = (&self.patterns, self.learning.scan_budget());
        let place = cluster.patterns.iter().take(budget).position(|index| {
            patterns[*index as usize]
                .as_ref()
                .is_some_and(|pattern| pattern.template.fits(line))
        });
        let tried = place.map_or_else(|| cluster.patterns.len().min(budget), |place| place + 1);
        self.compared += tried as u64;
        let place = place?;
        let index = cluster.patterns[place];
        self.hot_hits += u64::from(place == 0);
        cluster.patterns[..=place].rotate_right(1);
        Some(index)
    }

    fn learn(&mut self, signature: u64, line: Line<'_>, now_ms: i64, log: u64) -> Found {
        if let Some(structure) = self.waits_in_vain(signature, line, log) {
            return raw(structure);
        }
        let protected = self.protects_first_word(signature, line);
        if let Some((index, marks)) = self.closest_pattern(signature, line, protected) {
            return self.widen(index, line, marks, now_ms, log);
        }
        if self.is_full(signature) {
            // Nothing may be merged with it, such as lines of other severities.
            return raw(self.new_structure());
        }
        if let Some((sequence, marks)) = self.closest_waiting(signature, line, protected) {
            let structure = self.waiting.take(sequence);
            return self.create(signature, line, marks, structure, now_ms, log);
        }
        let structure = self.new_structure();
        self.waiting.add(signature, structure, line);
        Found::Raw {
            structure,
            reason: Reason::New,
        }
    }

    /// The structure of a long line of text whose only pattern will not be widened for it in any case.
    ///
    /// To compare them would cost more than the line is worth.
    fn waits_in_vain(&mut self, signature: u64, line: Line<'_>, log: u64) -> Option<u64> {
        let json = line.tokens.kinds().first() == Some(&Kind::Structure);
        if line.tokens.len() < LONG_LINE || json {
            return None;
        }
        let [index] = *self.clusters.get(&signature)?.patterns else {
            return None;
        };
        let pattern = self.get_mut(index)?;
        if pattern.misses + 1 >= patience(pattern) {
            return None;
        }
        pattern.misses += 1;
        pattern.log = log;
        Some(pattern.structure)
    }

    /// Whether a cluster has as many patterns as it may have.
    fn is_full(&self, signature: u64) -> bool {
        let limit = self.learning.max_patterns_per_cluster;
        let cluster = self.clusters.get(&signature);
        limit > 0 && cluster.is_some_and(|cluster| cluster.patterns.len() >= limit)
    }

    /// Counts the first word of a line, and tells whether it has to stay literal.
    fn protects_first_word(&mut self, signature: u64, line: Line<'_>) -> bool {
        if !self.learning.first_word_protection {
            return false;
        }
        let limit = self.learning.first_word_max_cardinality;
        let Some(cluster) = self.clusters.get_mut(&signature) else {
            // If each line has another first word, there never is a pattern that could count them.
            return limit == 0 || self.waiting.without_partner(signature) < limit;
        };
        if cluster.unprotected {
            return false;
        }
        if limit > 0
            && let Some(first) = first_word(line)
        {
            let before = cluster.heap_bytes();
            cluster.first_words.insert(hash_of(line.token(first)));
            if cluster.first_words.len() > limit {
                cluster.unprotected = true;
                cluster.first_words = HashSet::default();
            }
            self.cluster_bytes = self.cluster_bytes - before + cluster.heap_bytes();
            return !cluster.unprotected;
        }
        true
    }

    /// The pattern that takes the fewest changes to fit, if few enough.
    fn closest_pattern(
        &mut self,
        signature: u64,
        line: Line<'_>,
        protected: bool,
    ) -> Option<(u32, Vec<Mark>)> {
        let full = self.is_full(signature);
        let cluster = self.clusters.get(&signature)?;
        let budget = self.learning.scan_budget();
        self.compared += cluster.patterns.len().min(budget) as u64;
        let patterns = &self.patterns;
        let merges = cluster.patterns.iter().take(budget).filter_map(|index| {
            let pattern = patterns.get(*index as usize)?.as_deref()?;
            let impatient = pattern.widened >= PATIENCE;
            let merge = merge(line, &pattern.template.known(), impatient)?;
            (full || merge.is_acceptable(protected)).then_some((*index, merge))
        });
        merges
            .min_by_key(|(_, merge)| merge.changes())
            .map(|(index, merge)| (index, merge.marks))
    }

    /// The line that waits and has the most in common with this one, if enough.
    fn closest_waiting(
        &self,
        signature: u64,
        line: Line<'_>,
        protected: bool,
    ) -> Option<(u64, Vec<Mark>)> {
        self.waiting
            .of(signature)
            .filter_map(|(sequence, pending)| {
                let merge = merge(line, &pending.known(), false)?;
                merge.is_acceptable(protected).then_some((sequence, merge))
            })
            .min_by_key(|(_, merge)| merge.changes())
            .map(|(sequence, merge)| (sequence, merge.with_eager(line)))
    }

    /// Widens a pattern for a line, or remembers how, if it has been widened too often lately.
    fn widen(
        &mut self,
        index: u32,
        line: Line<'_>,
        mut marks: Vec<Mark>,
        now_ms: i64,
        log: u64,
    ) -> Found {
        let Some(pattern) = self.patterns[index as usize].as_deref_mut() else {
            return raw(0);
        };
        let structure = pattern.structure;
        let before = pattern.bytes();
        pattern.log = log;
        pattern.usage.touch(now_ms);
        pattern.misses += 1;
        join_lessons(&mut marks, &pattern.lessons);
        self.time_heads
            .note(line, &pattern.template.known(), &marks);
        self.time_heads.apply(line, &mut marks);
        if pattern.misses < patience(pattern) {
            pattern.lessons = marks;
            self.pattern_bytes = self.pattern_bytes - before + pattern.bytes();
            return raw(structure);
        }
        let template = Template::new(line, marks);
        if !is_suitable(&self.learning, &template, line) {
            return raw(structure);
        }
        pattern.slots = slots(&template, line, Some(pattern));
        pattern.template = template;
        pattern.widened = pattern.widened.saturating_add(1);
        pattern.unchanged = 0;
        pattern.misses = 0;
        pattern.lessons = Vec::new();
        self.pattern_bytes = self.pattern_bytes - before + pattern.bytes();
        Found::Changed(index)
    }

    fn create(
        &mut self,
        signature: u64,
        line: Line<'_>,
        mut marks: Vec<Mark>,
        structure: u64,
        now_ms: i64,
        log: u64,
    ) -> Found {
        self.time_heads.apply(line, &mut marks);
        let template = Template::new(line, marks);
        if !is_suitable(&self.learning, &template, line) {
            return Found::Raw {
                structure,
                reason: Reason::Unsuitable,
            };
        }
        Found::Changed(self.add(signature, template, line, structure, now_ms, log))
    }

    fn add(
        &mut self,
        signature: u64,
        template: Template,
        line: Line<'_>,
        structure: u64,
        now_ms: i64,
        log: u64,
    ) -> u32 {
        let pattern = Box::new(Pattern {
            id: self.next_id,
            structure,
            slots: slots(&template, line, None),
            template,
            usage: Usage::new(now_ms),
            signature,
            log,
            widened: 0,
            unchanged: 0,
            lessons: Vec::new(),
            misses: 0,
            joints: Joints::default(),
            to_join: Vec::new(),
            next: NO_PATTERN,
        });
        self.next_id += 1;
        self.live += 1;
        self.pattern_bytes += pattern.bytes();
        let index = if let Some(index) = self.free.pop() {
            self.patterns[index as usize] = Some(pattern);
            index
        } else {
            self.patterns.push(Some(pattern));
            u32::try_from(self.patterns.len() - 1).unwrap_or(u32::MAX)
        };
        let cluster = self.clusters.entry(signature).or_default();
        let before = cluster.heap_bytes();
        cluster.patterns.insert(0, index);
        if let Some(first) = first_word(line)
            && !cluster.unprotected
        {
            cluster.first_words.insert(hash_of(line.token(first)));
        }
        self.cluster_bytes = self.cluster_bytes - before + cluster.heap_bytes();
        index
    }

    /// Removes the patterns that the limits ask to leave, except that of the current log, and names them.
    pub(crate) fn evict(
        &mut self,
        limits: &Limits,
        now_ms: i64,
        log: u64,
        evicted: &mut Vec<PatternId>,
    ) {
        let bytes = self.bytes();
        let full = limits.full(self.live, bytes);
        if !limits.exceeded(self.live, bytes) || (!full && log < self.evict_from) {
            return;
        }
        self.compared += self.live as u64;
        let mut candidates: Vec<Candidate> = (0_u32..)
            .zip(&self.patterns)
            .filter_map(|(index, pattern)| Some((index, pattern.as_ref()?)))
            .filter(|(_, pattern)| pattern.log != log)
            .filter(|(_, pattern)| full || limits.may_leave(&pattern.usage, now_ms))
            .map(|(index, pattern)| Candidate {
                index,
                bytes: pattern.bytes() + CLUSTER_BYTES,
                score: pattern.usage.score(now_ms, limits.age_decay),
            })
            .collect();
        let leaving = limits.choose(self.live, bytes, &mut candidates);
        for candidate in &candidates[..leaving] {
            if let Some(id) = self.remove(candidate.index) {
                evicted.push(id);
            }
        }
        self.clusters.shrink_to_fit();
        if limits.exceeded(self.live, self.bytes()) {
            // What is too young to leave now need not be looked at again for every log.
            self.evict_from = log + EVICTION_PAUSE;
        }
    }

    fn remove(&mut self, index: u32) -> Option<PatternId> {
        let pattern = self.patterns.get_mut(index as usize)?.take()?;
        self.live -= 1;
        self.pattern_bytes -= pattern.bytes();
        self.free.push(index);
        if let Some(cluster) = self.clusters.get_mut(&pattern.signature) {
            cluster.patterns.retain(|other| *other != index);
            if cluster.patterns.is_empty() {
                self.cluster_bytes -= cluster.heap_bytes();
                self.clusters.remove(&pattern.signature);
            }
        }
        Some(pattern.id)
    }
}

impl Cluster {
    /// The memory behind this value.
    fn heap_bytes(&self) -> usize {
        self.patterns.capacity() * size_of::<u32>() + self.first_words.allocation_size()
    }
}

impl Learning {
    /// Patterns that are tried for a line.
    fn scan_budget(&self) -> usize {
        match self.pattern_scan_budget {
            0 => usize::MAX,
            budget => budget,
        }
    }
}

fn raw(structure: u64) -> Found {
    Found::Raw {
        structure,
        reason: Reason::Unsuitable,
    }
}

/// Whether a template is short enough, says enough and gives the line back.
fn is_suitable(learning: &Learning, template: &Template, line: Line<'_>) -> bool {
    let literal = template.text().len();
    let mostly_values = template.params().len() > 64 && literal * 5 < line.text.len();
    literal <= learning.max_template_bytes && !mostly_values && template.fits(line)
}

fn hash_of(text: &[u8]) -> u64 {
    use std::hash::BuildHasher as _;
    foldhash::fast::FixedState::with_seed(0).hash_one(text)
}
