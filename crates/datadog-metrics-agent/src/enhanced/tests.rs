//! What is said about made-up machines.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A machine of these files.
struct Machine(TempDir);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            machine.write(path, text);
        }
        machine
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn collector(&self, platform: Platform) -> Collector {
        Collector::new(&Config {
            root: self.root().to_owned(),
            ..Config::from_platform(platform)
        })
    }
}

fn taken(lines: &mut Lines) -> Vec<String> {
    let text = std::mem::take(&mut lines.text);
    text.lines().map(str::to_owned).collect()
}

/// `/proc/stat` of two cores, in ticks of user, system and idle time.
fn stat(user: u64, system: u64, idle: [u64; 2]) -> String {
    let [one, other] = idle;
    let all = one + other;
    format!("cpu {user} 7 {system} {all} 1 0\ncpu0 1 0 1 {one} 0\ncpu1 1 0 1 {other} 0\nctxt 9\n")
}

fn dev(received: u64, sent: u64) -> String {
    format!(
        "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n    \
         lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\nvinternal_1:{received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n  \
         eth0: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n"
    )
}

const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
    Max processes             60                   60                   processes\n\
    Max open files            1024                 4096                 files\n";

#[test]
fn a_function_on_lambda_says_what_it_used_between_two_flushes() {
    let ticks = proc::ticks_per_second();
    let machine = Machine::new(&[
        ("proc/net/dev", &dev(1_000, 2_000)),
        ("proc/stat", &stat(ticks, ticks, [0, 0])),
        ("proc/uptime", "100.00 150.0\n"),
        ("proc/1/limits", LIMITS),
        ("proc/1/fd/0", ""),
        ("proc/1/fd/1", ""),
        ("proc/1/task/1/x", ""),
        ("proc/22/task/22/x", ""),
        ("proc/22/task/23/x", ""),
        ("proc/self/fd/0", ""),
        ("tmp/x", ""),
    ]);
    let mut collector = machine.collector(Platform::Lambda { window: None });
    let (mut lines, now) = (Lines::default(), Instant::now());
    collector.tick(now, &mut lines);
    assert_eq!(taken(&mut lines), [""; 0]);
    machine.write("proc/22/fd/0", "");
    collector.tick(now, &mut lines);
    fs::remove_file(machine.root().join("proc/22/fd/0")).unwrap();
    machine.write("proc/net/dev", &dev(1_500, 2_250));
    let idle = [ticks * 9 / 10, ticks * 6 / 10];
    machine.write("proc/stat", &stat(ticks * 2, ticks * 3 / 2, idle));
    machine.write("proc/uptime", "101.00 151.5\n");
    collector.end(now, &mut lines);
    let found = taken(&mut lines);
    let (space, others): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.contains(".tmp_"));
    assert_eq!(
        others,
        [
            "aws.lambda.enhanced.rx_bytes:500|d",
            "aws.lambda.enhanced.tx_bytes:250|d",
            "aws.lambda.enhanced.total_network:750|d",
            "aws.lambda.enhanced.cpu_user_time:1000|d",
            "aws.lambda.enhanced.cpu_system_time:500|d",
            "aws.lambda.enhanced.cpu_total_time:1500|d",
            "aws.lambda.enhanced.cpu_total_utilization_pct:25|d",
            "aws.lambda.enhanced.cpu_total_utilization:0.5|d",
            "aws.lambda.enhanced.num_cores:2|d",
            "aws.lambda.enhanced.cpu_max_utilization:40|d",
            "aws.lambda.enhanced.cpu_min_utilization:10|d",
            "aws.lambda.enhanced.fd_use:3|d",
            "aws.lambda.enhanced.fd_max:1024|d",
            "aws.lambda.enhanced.threads_use:3|d",
            "aws.lambda.enhanced.threads_max:60|d",
        ]
    );
    let value = |name: &str| -> f64 {
        let line = space.iter().find(|it| it.contains(name)).unwrap();
        let number = line.split([':', '|']).nth(1).unwrap();
        number.parse().unwrap()
    };
    assert_eq!(value("tmp_max"), value("tmp_used") + value("tmp_free"));
    // The next window begins where this one ended.
    collector.end(now, &mut lines);
    let found = taken(&mut lines);
    assert_eq!(found[0], "aws.lambda.enhanced.rx_bytes:0|d");
    assert!(found.contains(&"aws.lambda.enhanced.fd_use:2|d".to_owned()));
}

#[test]
fn a_window_that_no_flush_ends_is_over_after_its_time() {
    let machine = Machine::new(&[("proc/net/dev", &dev(0, 0))]);
    let window = Some(Duration::from_secs(10));
    let mut collector = machine.collector(Platform::Lambda { window });
    let (mut lines, begin) = (Lines::default(), Instant::now());
    for (ms, is_over) in [
        (0, false),
        (9_999, false),
        (10_000, true),
        (19_999, false),
        (20_000, true),
    ] {
        collector.tick(begin + Duration::from_millis(ms), &mut lines);
        let found = taken(&mut lines);
        assert_eq!(!found.is_empty(), is_over, "{ms} {found:?}");
    }
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let machine = Machine::new(&[("proc/stat", "cpu 1 2 3 4\n"), ("proc/uptime", "1\n")]);
    let mut collector = machine.collector(Platform::Lambda { window: None });
    let (mut lines, now) = (Lines::default(), Instant::now());
    collector.tick(now, &mut lines);
    collector.end(now, &mut lines);
    assert_eq!(
        taken(&mut lines),
        [
            "aws.lambda.enhanced.fd_use:0|d",
            "aws.lambda.enhanced.fd_max:1024|d",
            "aws.lambda.enhanced.threads_use:0|d",
            "aws.lambda.enhanced.threads_max:1024|d",
        ]
    );
}

#[test]
fn limits_are_the_least_of_all_processes_and_unlimited_is_none() {
    let unlimited = "Max open files            unlimited            unlimited            files\n\
        Max processes             500                  600                  processes\n";
    let machine = Machine::new(&[
        ("proc/1/limits", unlimited),
        ("proc/2/limits", &LIMITS.replace("1024 ", "9999 ")),
    ]);
    let found = proc::processes(machine.root());
    assert_eq!((found.max_files, found.max_threads), (9_999, 60));
}

#[test]
fn an_instance_of_azure_is_there_every_three_seconds_and_its_processor_time_each_second() {
    let machine = Machine::new(&[("sys/fs/cgroup/cpu/cpuacct.usage", "1000000000\n")]);
    let mut collector = machine.collector(Platform::AzureFunctions {
        instance: Some("Worker-A".to_owned()),
        cpu: true,
    });
    let mut lines = Lines::new(&["region:East US".to_owned(), "name:a,b|c".to_owned()]);
    let tags = "#region:East US,name:a_b_c";
    let instance = format!("azure.functions.enhanced.instance:1|g|{tags},instance:worker-a");
    let usage = |value: &str| format!("azure.functions.enhanced.cpu.usage:{value}|d|{tags}");
    assert_eq!(collector.every(), Duration::from_secs(1));
    let begin = Instant::now();
    let mut tick = |second, counted: Option<&str>| {
        if let Some(counted) = counted {
            machine.write("sys/fs/cgroup/cpu/cpuacct.usage", counted);
        }
        collector.tick(begin + Duration::from_secs(second), &mut lines);
        taken(&mut lines)
    };
    assert_eq!(tick(0, None), std::slice::from_ref(&instance));
    assert_eq!(tick(1, Some("1500000000\n")), [usage("500000000")]);
    assert_eq!(tick(3, Some("1700000000\n")), [usage("100000000")]);
    // The counter began again.
    assert_eq!(tick(4, Some("5\n")), [instance]);
    assert_eq!(tick(5, Some("105\n")), [usage("100")]);
    assert_eq!(tick(6, Some("what\n")), [""; 0]);
}

#[test]
fn processor_time_of_newer_control_groups_comes_first() {
    let machine = Machine::new(&[
        ("sys/fs/cgroup/cpu.stat", "usage_usec 12\nuser_usec 7\n"),
        ("sys/fs/cgroup/cpu/cpuacct.usage", "99"),
    ]);
    assert_eq!(cgroup::cpu_ns(machine.root()), Some(12_000));
}

#[test]
fn an_instance_without_a_name_is_not_counted() {
    let machine = Machine::new(&[]);
    let mut collector = machine.collector(Platform::AzureFunctions {
        instance: None,
        cpu: false,
    });
    let mut lines = Lines::default();
    collector.tick(Instant::now(), &mut lines);
    assert_eq!(taken(&mut lines), [""; 0]);
}

#[test]
fn a_container_says_what_it_uses_and_may_use() {
    let machine = Machine::new(&[
        ("sys/fs/cgroup/cpu.stat", "usage_usec 1000000\n"),
        ("sys/fs/cgroup/memory.current", "4096\n"),
        ("sys/fs/cgroup/memory.max", "max\n"),
        ("sys/fs/cgroup/pids.current", "3\n"),
        ("sys/fs/cgroup/pids.max", "100\n"),
        ("proc/net/dev", &dev(10, 20)),
    ]);
    let mut collector = machine.collector(Platform::Container);
    let (mut lines, begin) = (Lines::default(), Instant::now());
    let level = [
        "datadog.agent.container.memory.usage:4096|g",
        "datadog.agent.container.pids.usage:3|g",
        "datadog.agent.container.pids.limit:100|g",
    ];
    collector.tick(begin, &mut lines);
    assert_eq!(taken(&mut lines), level);
    machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 3000000\n");
    machine.write("proc/net/dev", &dev(110, 20));
    collector.tick(begin + collector.every(), &mut lines);
    let mut expect = vec!["datadog.agent.container.cpu.usage:200000000|g"];
    expect.extend(level);
    expect.push("datadog.agent.container.net.rx_bytes:100|c");
    expect.push("datadog.agent.container.net.tx_bytes:0|c");
    assert_eq!(taken(&mut lines), expect);
}
