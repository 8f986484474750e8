//! Speed of the tokenizer, one JSON object a line: `{"name","value","unit"}`.
//!
//! Measures lines of its own, and each file that is named as an argument.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people and scripts, which reads the clock and may as well stop at a surprise"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use datadog_logs_patterns::tokenizer::{Limits, Tokenizer};

/// Lines of each kind.
const LINES: usize = 5_000;
/// Lines that are measured at once.
const CHUNK: usize = 250;
/// Rounds of which the fastest is taken.
const ROUNDS: usize = 21;

fn main() {
    let mut all = Vec::new();
    for (name, line) in KINDS {
        let lines: Vec<Vec<u8>> = (0..LINES)
            .map(|index| line(Numbers(index as u64)).into())
            .collect();
        print(name, &lines);
        all.extend(lines);
    }
    print("tokenizer", &all);
    for argument in std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
    {
        let content = std::fs::read(&argument).unwrap();
        let lines: Vec<Vec<u8>> = content
            .strip_suffix(b"\n")
            .unwrap_or(&content)
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let name = Path::new(&argument).file_name().unwrap().to_string_lossy();
        print(&format!("tokenizer_{name}"), &lines);
    }
}

/// Makes a line of its kind.
type Line = fn(Numbers) -> String;

/// The kinds of lines.
const KINDS: [(&str, Line); 5] = [
    ("tokenizer_access", access),
    ("tokenizer_klog", klog),
    ("tokenizer_app", app),
    ("tokenizer_json", json),
    ("tokenizer_syslog", syslog),
];

/// Prints megabytes of lines a second: the sum of the fastest round of each chunk of lines.
///
/// Chunks are so short that what else the machine does falls between them.
fn print(name: &str, lines: &[Vec<u8>]) {
    let mut tokenizer = Tokenizer::new(7, Limits::default());
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let mut fastest = vec![f64::MAX; lines.len().div_ceil(CHUNK)];
    for _ in 0..ROUNDS {
        for (chunk, fastest) in lines.chunks(CHUNK).zip(&mut fastest) {
            let start = Instant::now();
            for line in chunk {
                tokenizer.tokenize(black_box(line)).ok();
                black_box(tokenizer.tokens());
            }
            *fastest = fastest.min(start.elapsed().as_secs_f64());
        }
    }
    let value = bytes as f64 / fastest.iter().sum::<f64>() / 1e6;
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"MB/s\"}}");
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % bound
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }

    fn clock(&mut self) -> String {
        let [hour, minute, second] = [24, 60, 60].map(|bound| self.below(bound));
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    fn ip(&mut self) -> String {
        let [a, b, c] = [4, 256, 256].map(|bound| self.below(bound));
        format!("10.{a}.{b}.{c}")
    }
}

fn access(mut numbers: Numbers) -> String {
    let (ip, clock, id) = (numbers.ip(), numbers.clock(), numbers.below(100_000));
    let method = numbers.one_of(&["GET", "GET", "GET", "POST", "HEAD"]);
    let path = numbers.one_of(&[
        "api/v1/users",
        "static/css/site.css",
        "images/logo.png",
        "cart",
    ]);
    let status = numbers.one_of(&["200", "200", "304", "404", "503"]);
    let agent = numbers.one_of(&[
        "X11; Linux x86_64",
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_9_1",
    ]);
    format!(
        "{ip} - - [17/May/2015:{clock} +0000] \"{method} /{path}?id={id} HTTP/1.1\" {status} {id} \
         \"https://shop.example.com/{path}\" \"Mozilla/5.0 ({agent}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77\""
    )
}

fn klog(mut numbers: Numbers) -> String {
    let (clock, thread, pod) = (
        numbers.clock(),
        numbers.below(100_000),
        numbers.below(1 << 40),
    );
    let file = numbers.one_of(&[
        "kubelet.go:2307",
        "reconciler.go:224",
        "event.go:294",
        "kuberuntime_manager.go:448",
    ]);
    let text = numbers.one_of(&[
        "SyncLoop (PLEG): event for pod",
        "operationExecutor.VerifyControllerAttachedVolume started for volume",
        "Event occurred",
    ]);
    format!(
        "I0115 {clock}.123456 {thread:7} {file}] \"{text}\" pod=\"default/web-{pod:010x}-x2v9q\" reason=\"Started\""
    )
}

fn app(mut numbers: Numbers) -> String {
    let (clock, id, took) = (
        numbers.clock(),
        numbers.below(1 << 32),
        numbers.below(5_000),
    );
    let level = numbers.one_of(&["INFO ", "DEBUG", "WARN ", "ERROR"]);
    let text = numbers.one_of(&[
        "Finished task in stage, result sent to driver",
        "Removing replica from the in-sync replicas of partition",
        "Failed to renew lease, will retry shortly ...",
        "User logged in from the account page",
    ]);
    format!(
        "2024-01-15 {clock},{took:03} {level} [worker-{}] com.example.shop.OrderService: {text} (order={id}, took {took}ms)",
        took % 16
    )
}

fn json(mut numbers: Numbers) -> String {
    let (clock, ip, id) = (numbers.clock(), numbers.ip(), numbers.below(1 << 48));
    let level = numbers.one_of(&["info", "warn", "error"]);
    let text = numbers.one_of(&[
        "request completed",
        "connection reset by peer while reading headers",
        "cache miss for key",
    ]);
    format!(
        "{{\"time\":\"2024-01-15T{clock}.123Z\",\"level\":\"{level}\",\"msg\":\"{text}\",\"service\":\"checkout\",\
         \"client\":{{\"ip\":\"{ip}\",\"port\":{}}},\"trace_id\":\"{id:032x}\",\"duration_ms\":{}.{},\"ok\":true}}",
        id % 65_536,
        id % 997,
        id % 1_000
    )
}

fn syslog(mut numbers: Numbers) -> String {
    let (clock, ip, pid) = (numbers.clock(), numbers.ip(), numbers.below(30_000));
    let text = numbers.one_of(&[
        "Failed password for invalid user admin",
        "Received disconnect",
        "Connection closed",
        "Accepted publickey for deploy",
    ]);
    format!(
        "Dec {:2} {clock} bastion-2 sshd[{pid}]: {text} from {ip} port {} ssh2 [preauth]",
        1 + pid % 28,
        1_024 + pid
    )
}
