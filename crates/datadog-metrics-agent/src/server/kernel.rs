//! How many datagrams the system dropped because a UDP socket was full.
//!
//! Linux counts them for each socket, in a table that names sockets by their inodes. The table is read now and then,
//! never for a datagram; other systems have none, and nothing is counted there.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};
use tracing::warn;

use crate::aggregator::service::Transport;

/// Bytes of the table that are read at most: some 100,000 sockets.
const MAX_TABLE_BYTES: u64 = 16 * 1_024 * 1_024;
/// The column of a socket's inode, counted from 0.
const INODE_COLUMN: usize = 9;
/// The column of its drops.
const DROPS_COLUMN: usize = 12;

/// Watches the drops of one socket; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct KernelDrops(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    table: PathBuf,
    inode: u64,
    /// What the system had counted at the last look.
    seen: Mutex<u32>,
    dropped: Series,
}

impl KernelDrops {
    /// For a UDP socket; `None` when the system does not say which one it is.
    pub(crate) fn of(socket: impl AsFd, is_ipv6: bool, telemetry: &Telemetry) -> Option<Self> {
        let inode = rustix::fs::fstat(socket).ok()?.st_ino;
        let table = if is_ipv6 { "udp6" } else { "udp" };
        let labels = [
            ("reason", Reason::UdpOverflow.name()),
            ("transport", Transport::Udp.name()),
        ];
        Some(Self(Arc::new(Watched {
            table: Path::new("/proc/self/net").join(table),
            inode,
            seen: Mutex::new(0),
            dropped: telemetry.series(Metric::MetricsPacketsDropped, &labels),
        })))
    }

    /// Counts what was dropped since the last look; warns of the first. A table that cannot be read says nothing.
    pub(crate) fn count(&self) {
        let watched = &self.0;
        let mut seen = watched.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(Some(drops)) = drops_of(&watched.table, watched.inode) else {
            return;
        };
        // The system's count begins again at 0 behind its largest number.
        let new = drops.wrapping_sub(*seen);
        *seen = drops;
        if new == 0 {
            return;
        }
        if watched.dropped.get() == 0 {
            warn!(
                datagrams = new,
                "the system dropped datagrams, the receive buffer was full: raise dogstatsd_so_rcvbuf and net.core.rmem_max"
            );
        }
        watched.dropped.add(new.into());
    }
}

/// The drops of the socket with this inode; `None` when the table has no such socket.
fn drops_of(table: &Path, inode: u64) -> io::Result<Option<u32>> {
    let table = BufReader::new(File::open(table)?.take(MAX_TABLE_BYTES));
    for line in table.lines() {
        let line = line?;
        let mut columns = line.split_ascii_whitespace();
        let found = columns.nth(INODE_COLUMN).and_then(|it| it.parse().ok());
        if found == Some(inode) {
            let drops = columns.nth(DROPS_COLUMN - INODE_COLUMN - 1);
            return Ok(drops.and_then(|it| it.parse().ok()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use rustix::net::sockopt;

    use super::*;

    const TABLE: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  \
        114: 0100007F:1FBD 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 31337 2 00000000ab 41\n \
        9115: 00000000:1FBE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0000000000000000 0\n";

    fn counted(telemetry: &Telemetry) -> u64 {
        let labels = [("reason", "udp_overflow"), ("transport", "udp")];
        telemetry.sum(Metric::MetricsPacketsDropped, &labels)
    }

    #[test]
    fn the_row_of_a_socket_is_found_by_its_inode() {
        let directory = tempfile::tempdir().unwrap();
        let table = directory.path().join("udp");
        std::fs::write(&table, TABLE).unwrap();
        assert_eq!(drops_of(&table, 31_337).unwrap(), Some(41));
        assert_eq!(drops_of(&table, 7).unwrap(), Some(0));
        assert_eq!(drops_of(&table, 1_000).unwrap(), None);
        assert!(drops_of(&directory.path().join("none"), 7).is_err());
    }

    #[test]
    fn a_count_that_began_again_is_no_loss_of_billions() {
        let directory = tempfile::tempdir().unwrap();
        let table = directory.path().join("udp");
        let telemetry = Telemetry::default();
        let drops = KernelDrops(Arc::new(Watched {
            table: table.clone(),
            inode: 31_337,
            seen: Mutex::new(u32::MAX - 1),
            dropped: telemetry.series(
                Metric::MetricsPacketsDropped,
                &[("reason", "udp_overflow"), ("transport", "udp")],
            ),
        }));
        drops.count();
        std::fs::write(&table, TABLE).unwrap();
        drops.count();
        drops.count();
        assert_eq!(counted(&telemetry), 43);
    }

    #[test]
    fn what_is_sent_to_a_full_socket_is_read_or_counted() {
        for (address, is_ipv6) in [("127.0.0.1:0", false), ("[::1]:0", true)] {
            let Ok(socket) = UdpSocket::bind(address) else {
                assert!(is_ipv6, "this machine has no loopback");
                continue;
            };
            // The smallest that the system gives.
            sockopt::set_socket_recv_buffer_size(&socket, 1).unwrap();
            let telemetry = Telemetry::default();
            let drops = KernelDrops::of(&socket, is_ipv6, &telemetry).unwrap();
            drops.count();
            assert_eq!(counted(&telemetry), 0);
            let client = UdpSocket::bind(address).unwrap();
            client.connect(socket.local_addr().unwrap()).unwrap();
            for _ in 0..200 {
                client.send(&[b'x'; 100]).unwrap();
            }
            drops.count();
            let lost = counted(&telemetry);
            assert!(lost > 0);
            socket.set_nonblocking(true).unwrap();
            let read = (0..200).take_while(|_| socket.recv(&mut [0; 100]).is_ok());
            assert_eq!(read.count() as u64 + lost, 200);
            drops.count();
            assert_eq!(
                counted(&telemetry),
                lost,
                "what was counted is not counted again"
            );
        }
    }
}
