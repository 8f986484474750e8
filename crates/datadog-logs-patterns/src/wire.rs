//! The wire format of the stateful log stream.

use crate::operation::{Body, Operation, Operations, Value};

/// A generation of the wire format: the envelope is the same in all of them, what it carries is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `datadog.intake.stateful.StatefulLogsService/LogsStream`, as published.
    A,
    /// `datadog.intake.stateful.StatefulIntake/StatefulStream`, with flat logs and typed JSON columns.
    C,
}

impl Profile {
    /// The first id that an entry of the dictionary may have.
    pub fn first_dict_id(self) -> u64 {
        match self {
            Self::A => 1,
            Self::C => 2,
        }
    }
}

fn vi(o: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        o.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    o.push(v as u8);
}
fn ld(o: &mut Vec<u8>, tag: u8, b: &[u8]) {
    o.push(tag);
    vi(o, b.len() as u64);
    o.extend_from_slice(b);
}

/// provisional
pub fn write(ops: &Operations, _profile: Profile, out: &mut Vec<u8>) {
    let (mut ts, mut pid, mut tags, mut status) = (0, 0, None, None);
    for op in ops.iter() {
        let mut d = vec![];
        match op {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                let mut q = vec![8];
                vi(&mut q, *id);
                ld(&mut q, 0x12, ops.text(template));
                let p = ops.positions(positions);
                if !p.is_empty() {
                    q.push(0x18);
                    vi(&mut q, p.len() as u64);
                    let mut pp = vec![];
                    for x in p {
                        vi(&mut pp, u64::from(*x));
                    }
                    ld(&mut q, 0x22, &pp);
                }
                ld(&mut d, 0x0a, &q);
                pid = *id;
            }
            Operation::DeletePattern { id } => {
                let mut q = vec![8];
                vi(&mut q, *id);
                ld(&mut d, 0x12, &q);
            }
            Operation::DefineText { id, text } => {
                let mut q = vec![8];
                vi(&mut q, *id);
                ld(&mut q, 0x12, ops.text(text));
                ld(&mut d, 0x1a, &q);
            }
            Operation::DeleteText { id } => {
                let mut q = vec![8];
                vi(&mut q, *id);
                ld(&mut d, 0x22, &q);
            }
            Operation::Log(log) => {
                let mut g = vec![];
                match &log.body {
                    Body::Raw(s) => ld(&mut g, 0x1a, ops.text(s)),
                    Body::Bytes { lossy, .. } => ld(&mut g, 0x1a, ops.text(lossy)),
                    Body::Pattern { id, values } => {
                        let mut st = vec![];
                        if *id != pid {
                            st.push(8);
                            vi(&mut st, *id);
                            pid = *id;
                        }
                        for v in ops.values(values) {
                            let mut dv = vec![];
                            match v {
                                Value::Int(i) => {
                                    dv.push(8);
                                    vi(&mut dv, *i as u64)
                                }
                                Value::Text(s) => ld(&mut dv, 0x1a, ops.text(s)),
                                Value::Dict(i) => {
                                    dv.push(0x20);
                                    vi(&mut dv, *i)
                                }
                            }
                            ld(&mut st, 0x12, &dv);
                        }
                        ld(&mut g, 0x12, &st);
                    }
                }
                let dt = log.timestamp_ms - ts;
                ts = log.timestamp_ms;
                if dt != 0 {
                    g.push(8);
                    vi(&mut g, ((dt << 1) ^ (dt >> 63)) as u64);
                }
                if log.tags != tags {
                    tags = log.tags;
                    let mut t = vec![0x20];
                    vi(&mut t, tags.unwrap_or(0));
                    let mut u = vec![];
                    ld(&mut u, 0x0a, &t);
                    ld(&mut g, 0x22, &u);
                }
                if log.status != status {
                    status = log.status;
                    let mut t = vec![0x20];
                    vi(&mut t, status.unwrap_or(0));
                    ld(&mut g, 0x32, &t);
                }
                if let Body::Bytes { exact, .. } = &log.body {
                    g.extend_from_slice(&[0xc2, 0x3e]);
                    vi(&mut g, exact.len() as u64);
                    g.extend_from_slice(ops.text(exact));
                }
                ld(&mut d, 0x32, &g);
            }
        }
        ld(out, 0x0a, &d);
    }
}
