//! What lies between agent and intake: the loopback, or two ends of a cable of which one is in a namespace of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;

/// The ends of the cable.
const INTAKE: &str = "10.213.77.1";
const AGENT: &str = "10.213.77.2";
/// An address of hardware that nobody has: what is sent there is lost without a word.
const NOBODY: &str = "02:00:00:00:be:ef";

pub(crate) enum Network {
    Loopback,
    Own(Own),
}

impl Network {
    pub(crate) fn intake_addr(&self) -> SocketAddr {
        match self {
            Self::Loopback => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            Self::Own(_) => SocketAddr::new(INTAKE.parse().unwrap(), 0),
        }
    }

    /// A command that runs at the agent's end.
    pub(crate) fn command(&self, program: &str) -> Command {
        match self {
            Self::Loopback => Command::new(program),
            Self::Own(own) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &own.name, program]);
                command
            }
        }
    }
}

/// A namespace with a cable to it; gone when dropped.
pub(crate) struct Own {
    name: String,
    cable: String,
}

impl Own {
    /// # Errors
    /// In words, what is missing: root, `ip`, or the right to have such things.
    pub(crate) fn new() -> Result<Self, String> {
        let id = std::process::id();
        let own = Self {
            name: format!("soak-{id}"),
            cable: format!("soak{id}"),
        };
        let (name, cable) = (own.name.as_str(), own.cable.as_str());
        let (intake, agent) = (format!("{INTAKE}/30"), format!("{AGENT}/30"));
        ip(&["netns", "add", name])?;
        ip(&[
            "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name,
        ])?;
        ip(&["addr", "add", &intake, "dev", cable])?;
        ip(&["link", "set", cable, "up"])?;
        ip(&["-n", name, "addr", "add", &agent, "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        Ok(own)
    }

    /// Lets everything get lost, in both directions.
    pub(crate) fn cut(&self) {
        let (name, cable) = (self.name.as_str(), self.cable.as_str());
        let lost = ["lladdr", NOBODY, "nud", "permanent"];
        let there = [&["neigh", "replace", AGENT, "dev", cable][..], &lost].concat();
        let back = [
            &["-n", name, "neigh", "replace", INTAKE, "dev", "eth0"][..],
            &lost,
        ]
        .concat();
        ip(&there).and_then(|()| ip(&back)).unwrap();
    }

    /// Lets everything through again.
    pub(crate) fn heal(&self) {
        let (name, cable) = (self.name.as_str(), self.cable.as_str());
        let there = ["neigh", "del", AGENT, "dev", cable];
        let back = ["-n", name, "neigh", "del", INTAKE, "dev", "eth0"];
        ip(&there).and_then(|()| ip(&back)).unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // The cable goes with its end.
        let _gone = ip(&["netns", "del", &self.name]).is_ok();
        let _gone = ip(&["link", "del", &self.cable]).is_ok();
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), words.trim()))
}
