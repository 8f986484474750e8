//! Which arguments of a command are values.
//!
//! Commands that are not named here take keys, patterns and numbers, which stay.

/// Where the values of a command stand; arguments count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// All of them; one `?` stands for them.
    All,
    /// This one.
    At(usize),
    /// All but the first; one `?` stands for them.
    AfterFirst,
    /// The last of each group of so many, the first group beginning here.
    Every { step: usize, from: usize },
    /// The value of `CONFIG SET name value`.
    ConfigSet,
    /// The third after each `SET`: `SET type offset value`.
    Bitfield,
    /// Members of `ZADD`, after its flags.
    SortedSet,
}

/// The longest name of a command below.
const MAX_NAME: usize = 17;

fn values_of(command: &str) -> Option<Values> {
    let mut buffer = [0_u8; MAX_NAME];
    let name = buffer.get_mut(..command.len())?;
    name.copy_from_slice(command.as_bytes());
    name.make_ascii_uppercase();
    Some(match &*name {
        b"AUTH" | b"MIGRATE" | b"HELLO" => Values::All,
        b"APPEND" | b"GETSET" | b"LPUSHX" | b"GEORADIUSBYMEMBER" | b"RPUSHX" | b"SET"
        | b"SETNX" | b"SISMEMBER" | b"ZRANK" | b"ZREVRANK" | b"ZSCORE" => Values::At(1),
        b"HSETNX" | b"LREM" | b"LSET" | b"SETBIT" | b"SETEX" | b"PSETEX" | b"SETRANGE"
        | b"ZINCRBY" | b"SMOVE" | b"RESTORE" => Values::At(2),
        b"LINSERT" => Values::At(3),
        b"ACL" | b"GEOHASH" | b"GEOPOS" | b"GEODIST" | b"LPUSH" | b"RPUSH" | b"SREM" | b"ZREM"
        | b"SADD" => Values::AfterFirst,
        b"GEOADD" => Values::Every { step: 3, from: 1 },
        b"HSET" | b"HMSET" => Values::Every { step: 2, from: 1 },
        b"MSET" | b"MSETNX" => Values::Every { step: 2, from: 0 },
        b"CONFIG" => Values::ConfigSet,
        b"BITFIELD" => Values::Bitfield,
        b"ZADD" => Values::SortedSet,
        _ => return None,
    })
}

/// Writes a command with `?` for its values.
pub(super) fn write(out: &mut String, command: &str, args: &mut Vec<&str>) {
    out.push_str(command);
    if args.is_empty() {
        return;
    }
    match values_of(command) {
        Some(Values::All) => replace_from(args, 0),
        Some(Values::AfterFirst) => replace_from(args, 1),
        Some(Values::At(index)) => replace(args, index),
        Some(Values::Every { step, from }) => replace_every(args, step, from),
        Some(Values::ConfigSet) if is_set(args.first()) => replace(args, 2),
        Some(Values::Bitfield) => bitfield(args),
        Some(Values::SortedSet) => {
            let is_flag = |arg: &&&str| {
                ["NX", "XX", "GT", "LT", "CH", "INCR"]
                    .iter()
                    .any(|flag| arg.eq_ignore_ascii_case(flag))
            };
            let flags = args.iter().skip(1).take_while(is_flag).count();
            replace_every(args, 2, 1 + flags);
        }
        Some(Values::ConfigSet) | None => {}
    }
    for arg in args.iter() {
        out.push(' ');
        out.push_str(arg);
    }
}

fn is_set(arg: Option<&&str>) -> bool {
    arg.is_some_and(|arg| arg.eq_ignore_ascii_case("SET"))
}

fn replace(args: &mut [&str], index: usize) {
    if let Some(arg) = args.get_mut(index) {
        *arg = "?";
    }
}

fn replace_from(args: &mut Vec<&str>, index: usize) {
    replace(args, index);
    args.truncate(index + 1);
}

fn replace_every(args: &mut [&str], step: usize, from: usize) {
    for arg in args.iter_mut().skip(from + step - 1).step_by(step) {
        *arg = "?";
    }
}

/// Every value that a `SET` among the operations writes.
fn bitfield(args: &mut [&str]) {
    let mut set_at = None;
    for index in 1..args.len() {
        if set_at.is_some_and(|set_at| index == set_at + 3) {
            replace(args, index);
            set_at = None;
        } else if is_set(args.get(index)) {
            set_at = Some(index);
        }
    }
}
