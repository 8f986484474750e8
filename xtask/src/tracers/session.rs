//! One run: an intake, an agent, perhaps the test agent, and a shop, of which each has an address of its own.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::arrived::Arrived;
use super::compare::{self, Findings, is_kept};
use super::kit::{Kit, Kits};
use super::oracle::Oracle;
use super::plan::Plan;
use super::shop::Shop;
use super::{Run, proxied, rates, remote};
use crate::program::Program;
use crate::run::text;

/// Orders of one run; enough that a tenth of them is some.
const ORDERS: usize = 60;

/// Performs a run; returns what was counted, in words.
pub(crate) fn perform(run: Run, kit: &Kit, kits: &Kits, program: &Path) -> anyhow::Result<String> {
    let Run { client, plan } = run;
    let socket = Socket::new(run)?;
    let intake = Program::start(program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
    let intake_url = intake.url("intake")?.to_owned();
    let agent = agent(program, &intake_url, plan, &socket)?;
    let oracle = match plan {
        Plan::Checked => Some(Oracle::start(&kits.test_agent, agent.url("traces")?)?),
        _ => None,
    };
    let address = match (&oracle, plan) {
        (Some(oracle), _) => oracle.url.clone(),
        (None, Plan::Socket) => format!("unix://{}", text(&socket.path())),
        (None, _) => agent.url("traces")?.to_owned(),
    };
    let service = format!("shop-{}", client.name());
    let mut environment = plan.environment(client);
    environment.extend([
        ("DD_TRACE_AGENT_URL", address.as_str()),
        ("DD_SERVICE", service.as_str()),
    ]);
    let shop = Shop::start(kit, &environment)?;
    let mut polled = None;
    match plan {
        Plan::Rates => rates::load(&shop)?,
        Plan::Remote => polled = Some(remote::follow(&shop, &intake_url, &service)?),
        Plan::Checked | Plan::Socket | Plan::Sampled | Plan::Port => {
            for number in 0..ORDERS {
                shop.order(number)?;
            }
        }
    }
    shop.by_hand()?;
    let made = shop.close()?;
    let mut findings = Findings::default();
    if plan == Plan::Rates {
        rates::check(&made, agent.url("traces")?, &service, &mut findings)?;
    }
    if let Some(polled) = &polled {
        remote::check(client, polled, &service, &made, &mut findings);
    }
    if plan == Plan::Port {
        proxied::upload(agent.url("traces")?)?;
    }
    let seen = oracle.map(Oracle::stop).transpose()?;
    agent.stop()?;
    let arrived = Arrived::ask(&intake_url)?;
    if plan == Plan::Port {
        proxied::check_upload(&intake_url, &mut findings)?;
    }
    let telemetry = proxied::telemetry(&intake_url, &mut findings)?;
    intake.stop()?;
    if plan.is_sampled() {
        sampled(&made, &mut findings);
    }
    compare::spans(client, &made, &arrived, &mut findings);
    compare::by_hand(client, plan, &arrived, &mut findings);
    let hits = compare::stats(&made, &arrived, plan.stats(client), &mut findings);
    if let Some(seen) = &seen {
        seen.compare(client, &arrived, &mut findings);
    }
    for problem in &arrived.problems {
        findings.add(format!("the intake: {problem}"));
    }
    findings.check()?;
    Ok(format!(
        "{}, {telemetry} telemetry",
        counts(&made, &arrived, hits)
    ))
}

fn agent(program: &Path, intake: &str, plan: Plan, socket: &Socket) -> anyhow::Result<Program> {
    let path = text(&socket.path());
    let store = text(&socket.folder.join("remote-config"));
    let target = match plan {
        Plan::Rates => "1",
        _ => "10",
    };
    // What is passed on goes there too: a site that is an address takes everything.
    let site = intake.trim_start_matches("http://");
    let remote = match plan {
        Plan::Remote => remote::settings(intake)?.to_vec(),
        _ => vec![("DD_REMOTE_CONFIGURATION_ENABLED", "false".to_owned())],
    };
    let mut environment = vec![
        ("DD_SITE", site),
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_HOSTNAME", "tracers-host"),
        ("DD_APM_ENABLED", "true"),
        ("DD_APM_DD_URL", intake),
        ("DD_APM_RECEIVER_SOCKET", path.as_str()),
        ("DD_APM_TARGET_TPS", target),
        ("DD_TRACE_AGENT_PORT", "0"),
        ("DD_LOGS_ENABLED", "false"),
        ("DD_REMOTE_CONFIG_STORE_PATH", store.as_str()),
    ];
    environment.extend(remote.iter().map(|(name, value)| (*name, value.as_str())));
    Program::start(program, &["run"], &environment)
}

/// About a tenth was kept: of so many, hardly ever more than a third.
fn sampled(made: &[Value], out: &mut Findings) {
    let kept = made.iter().filter(|span| is_kept(span)).count();
    let all = made.len();
    if kept * 3 > all {
        out.add(format!(
            "{kept} of {all} spans were kept, where a tenth was to be"
        ));
    }
}

fn counts(made: &[Value], arrived: &Arrived, hits: u64) -> String {
    let kept = made.iter().filter(|span| is_kept(span)).count();
    format!(
        "{} spans made, {kept} kept, {} arrived, {hits} hits",
        made.len(),
        arrived.spans.len()
    )
}

/// A folder for a Unix socket, which goes with it. Under the folder for temporary files, since the path of a socket must
/// be short.
#[derive(Debug)]
struct Socket {
    folder: PathBuf,
}

impl Socket {
    fn new(run: Run) -> anyhow::Result<Self> {
        let (client, plan) = (run.client.name(), run.plan.name());
        let name = format!("tracers-{}-{client}-{plan}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("apm.sock")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
