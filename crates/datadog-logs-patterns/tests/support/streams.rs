//! Makes up streams that keep to all rules, out of bytes that serve as dice. Only for tests.

use std::collections::BTreeMap;

use datadog_logs_patterns::wire::Profile;

const TEXTS: [&str; 7] = [
    "",
    "a",
    "10.0.0.1",
    "env:prod,service:x,hostname:h",
    "é😀\u{fffd}",
    "\0\u{1b}\n\r\t\u{8}\u{c}\"\\/",
    "{\"a\":1}",
];
/// Entries of the dictionary from id 100 on that are never deleted: paths of members, all in one object.
const PATHS: [&str; 6] = ["k", "l", r"n.a\.b", "n.b.c", "n.b.d", r"\\"];
/// The entry with the path of the message, and those of profile A.
const MESSAGE_PATH: u64 = 110;
const SCHEMA_A: u64 = 111;

/// The data of the batches of a stream.
pub(crate) fn write(profile: Profile, dice: &[u8]) -> Vec<Vec<u8>> {
    let is_c = profile == Profile::C;
    let mut writer = Writer {
        is_c,
        dice,
        patterns: BTreeMap::new(),
        texts: Vec::new(),
        schemas: Vec::new(),
        last_pattern: None,
        used: Vec::new(),
        batch: Vec::new(),
    };
    let fixed = (100..).zip(PATHS);
    for (id, text) in fixed.chain([(MESSAGE_PATH, "n.msg"), (SCHEMA_A, "a,é,z\"")]) {
        writer.text(id, text);
    }
    let mut batches = Vec::new();
    while !writer.dice.is_empty() {
        match writer.roll(16) {
            0 => {
                writer.last_pattern = None;
                writer.used.clear();
                batches.push(std::mem::take(&mut writer.batch));
            }
            1 | 2 => writer.define_pattern(),
            3 | 4 => writer.define_text(),
            5 => writer.delete_pattern(),
            6 => writer.delete_text(),
            7 if is_c => writer.define_schema(),
            8 => writer.sync(),
            _ if is_c => writer.log_c(),
            _ => writer.log_a(),
        }
    }
    batches.push(writer.batch);
    batches
}

struct Writer<'d> {
    is_c: bool,
    dice: &'d [u8],
    /// With the numbers of their positions.
    patterns: BTreeMap<u64, usize>,
    texts: Vec<u64>,
    /// With the kinds of their members.
    schemas: Vec<(u64, Vec<u8>)>,
    last_pattern: Option<u64>,
    /// Entries that a later log of the batch may stand on without naming them.
    used: Vec<u64>,
    batch: Vec<u8>,
}

impl Writer<'_> {
    /// A number below `sides`; 0 when the dice have run out.
    fn roll(&mut self, sides: u64) -> u64 {
        let Some((&die, rest)) = self.dice.split_first() else {
            return 0;
        };
        self.dice = rest;
        u64::from(die) % sides
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let index = self.roll(list.len().max(1) as u64);
        list.get(usize::try_from(index).unwrap()).copied()
    }

    fn datum(&mut self, a: u32, c: u32, content: &[u8]) {
        let datum = bytes(if self.is_c { c } else { a }, content);
        self.batch.extend(bytes(1, &datum));
    }

    fn text(&mut self, id: u64, text: &str) {
        self.datum(3, 1, &[int(1, id), bytes(2, text)].concat());
    }

    fn any_text(&mut self) -> &'static str {
        self.pick(&TEXTS).unwrap()
    }

    fn define_text(&mut self) {
        let id = 2 + self.roll(8);
        let text = self.any_text();
        self.text(id, text);
        self.texts.retain(|known| *known != id);
        self.texts.push(id);
    }

    fn delete_text(&mut self) {
        if let Some(id) = self.pick(&self.texts.clone())
            && !self.used.contains(&id)
        {
            self.texts.retain(|known| *known != id);
            self.datum(4, 6, &int(1, id));
        }
    }

    fn define_pattern(&mut self) {
        let id = 1 + self.roll(5);
        let template = self.any_text();
        let length = template.chars().count() as u64;
        let count = self.roll(4);
        let mut positions: Vec<u64> = (0..count).map(|_| self.roll(length + 1)).collect();
        positions.sort_unstable();
        let packed = self.roll(2) == 0;
        let numbers = |number| positions.iter().flat_map(move |at| int(number, *at));
        let positions = if packed {
            bytes(
                4,
                positions
                    .iter()
                    .flat_map(|at| varint(*at))
                    .collect::<Vec<_>>(),
            )
        } else {
            numbers(4).collect()
        };
        let count_field = if self.is_c { Vec::new() } else { int(3, count) };
        let content = [int(1, id), bytes(2, template), count_field, positions].concat();
        self.datum(1, 2, &content);
        self.patterns.insert(id, usize::try_from(count).unwrap());
        self.last_pattern = Some(id);
    }

    fn delete_pattern(&mut self) {
        let ids: Vec<_> = self.patterns.keys().copied().collect();
        if let Some(id) = self.pick(&ids) {
            self.patterns.remove(&id);
            self.last_pattern = self.last_pattern.filter(|last| *last != id);
            self.datum(2, 7, &int(1, id));
        }
    }

    fn define_schema(&mut self) {
        let id = 2 + self.roll(4);
        let count = self.roll(PATHS.len() as u64 + 1);
        let first = self.roll(PATHS.len() as u64);
        let keys = (0..count).map(|n| int(2, 100 + (first + n) % PATHS.len() as u64));
        let keys: Vec<_> = keys.flatten().collect();
        let kinds: Vec<u8> = (0..count)
            .map(|_| self.roll(7).to_le_bytes()[0] + 1)
            .collect();
        let content = [int(1, id), keys, int(3, MESSAGE_PATH), bytes(4, &kinds)].concat();
        self.datum(0, 3, &content);
        self.schemas.retain(|known| known.0 != id);
        self.schemas.push((id, kinds));
    }

    fn sync(&mut self) {
        let time = int(1, self.roll(200) * 1_000_000_007);
        let tags = self.pick(&self.texts.clone());
        self.used.extend(tags);
        let tags = tags.map_or(Vec::new(), |id| {
            if self.is_c {
                int(3, id)
            } else {
                bytes(3, bytes(1, int(4, id)))
            }
        });
        self.datum(5, 5, &[time, tags].concat());
    }

    /// The fields of a pattern and its values; `None` while no pattern is defined.
    fn pattern(&mut self, number: u32, values: u32) -> Option<Vec<u8>> {
        let ids: Vec<_> = self.patterns.keys().copied().collect();
        let id = self.pick(&ids)?;
        let repeat = self.roll(2) == 0;
        let (id, mut fields) = match self.last_pattern.filter(|_| repeat) {
            Some(last) => (last, Vec::new()),
            _ => (id, int(number, id)),
        };
        self.last_pattern = Some(id);
        for _ in 0..self.patterns[&id] {
            let value = self.value();
            fields.extend(bytes(values, value));
        }
        Some(fields)
    }

    fn value(&mut self) -> Vec<u8> {
        let text = self.any_text();
        match self.roll(if self.is_c { 7 } else { 4 }) {
            0 => int(1, self.number()),
            1 => [varint(2 << 3 | 1), self.float().to_vec()].concat(),
            2 => match self.pick(&self.texts.clone()) {
                Some(id) => int(4, id),
                None => bytes(3, text),
            },
            3 => bytes(3, text),
            4 => int(6, self.roll(2)),
            5 => bytes(7, text),
            _ => [int(1, self.number()), int(5, 1)].concat(),
        }
    }

    fn number(&mut self) -> u64 {
        let (die, shift) = (self.roll(256), self.roll(57));
        (die << shift) ^ (0_u64.wrapping_sub(self.roll(2)))
    }

    fn float(&mut self) -> [u8; 8] {
        let numbers = [0.0, -0.0, 1.5, 1e21, -1e-7, 0.1, f64::MAX];
        self.pick(&numbers).unwrap().to_le_bytes()
    }

    fn exact(&mut self) -> Vec<u8> {
        match self.roll(8) {
            0 => bytes(1_000, b"\xff\xfe exact"),
            _ => Vec::new(),
        }
    }

    /// Tags or a status of profile A, as a value.
    fn field_a(&mut self) -> Option<Vec<u8>> {
        match self.roll(4) {
            0 => {
                let id = self.pick(&self.texts.clone())?;
                self.used.push(id);
                Some(int(4, id))
            }
            1 => Some(bytes(3, self.any_text())),
            _ => None,
        }
    }

    fn log_a(&mut self) {
        let mut log = int(1, self.number());
        let content = if self.roll(4) == 0 {
            None
        } else {
            self.pattern(1, 2)
        };
        match content {
            Some(fields) => {
                let json = self.json_a();
                log.extend(bytes(2, [fields, json].concat()));
            }
            None => log.extend(bytes(3, self.any_text())),
        }
        if let Some(tags) = self.field_a() {
            log.extend(bytes(4, bytes(1, tags)));
        }
        if let Some(status) = self.field_a() {
            log.extend(bytes(6, status));
        }
        if self.roll(8) == 0 {
            log.extend(bytes(5, "uuid"));
        }
        log.extend(self.exact());
        self.datum(6, 0, &log);
    }

    fn json_a(&mut self) -> Vec<u8> {
        match self.roll(6) {
            0 => bytes(4, int(4, MESSAGE_PATH)),
            1 => {
                let values: Vec<_> = (0..3)
                    .flat_map(|_| {
                        let value = if self.roll(4) == 0 {
                            Vec::new()
                        } else {
                            self.value()
                        };
                        bytes(6, value)
                    })
                    .collect();
                [bytes(4, bytes(3, "message")), int(5, SCHEMA_A), values].concat()
            }
            _ => Vec::new(),
        }
    }

    /// An id of profile C: the same as before, none, or an entry.
    fn field_c(&mut self, number: u32) -> Vec<u8> {
        match self.roll(4) {
            0 => int(number, 1),
            1 => match self.pick(&self.texts.clone()) {
                Some(id) => {
                    self.used.push(id);
                    int(number, id)
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn log_c(&mut self) {
        let mut log = int(1, self.number());
        for number in [2, 3, 4] {
            log.extend(self.field_c(number));
        }
        let content = if self.roll(4) == 0 {
            None
        } else {
            self.pattern(5, 6)
        };
        match content {
            Some(fields) => log.extend(fields),
            // An empty text cannot be said without a pattern.
            None => log.extend(bytes(7, format!("raw {}", self.any_text()))),
        }
        log.extend(self.json_c());
        if self.roll(8) == 0 {
            log.extend(bytes(100, "uuid"));
        }
        log.extend(self.exact());
        self.datum(0, 4, &log);
    }

    /// A schema, always named, with its columns.
    fn json_c(&mut self) -> Vec<u8> {
        let index = usize::try_from(self.roll(4)).unwrap();
        let Some((id, kinds)) = self.schemas.get(index).cloned() else {
            return int(8, 1);
        };
        let mut fields = int(8, id);
        let mut bools = Vec::new();
        for kind in kinds {
            match kind {
                2 => bools.push(self.roll(2) == 1),
                3 => fields.extend(int(9, self.number())),
                4 => fields.extend([varint(10 << 3 | 1), self.float().to_vec()].concat()),
                5 => fields.extend(int(11, 100 + self.roll(PATHS.len() as u64))),
                6 => fields.extend(bytes(13, self.any_text())),
                7 => fields.extend(bytes(12, "[1, {}]")),
                _ => {}
            }
        }
        let byte = |bits: &[bool]| {
            bits.iter()
                .rev()
                .fold(0, |byte, bit| byte << 1 | u8::from(*bit))
        };
        fields.extend(bytes(14, bools.chunks(8).map(byte).collect::<Vec<_>>()));
        fields
    }
}

/// A field that holds a number.
fn int(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

/// A field that holds a text or a message.
fn bytes(number: u32, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let tag = varint(u64::from(number) << 3 | 2);
    [&tag, &varint(value.len() as u64), value].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}
