//! A Unix socket, of streams or of datagrams, that appears under its path at once with its final mode.
//!
//! It takes over the file of a dead process and refuses everything else that it finds there: a live socket,
//! a link, or anything that is not a socket stays as it is. It never touches the umask of the process.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::net::SocketFlags;
use tokio::net::{UnixDatagram, UnixListener, UnixStream};

use super::BindError;

/// The kernels allow 108 bytes on Linux and 104 on macOS, the terminating NUL included; this fits both.
const MAX_PATH_BYTES: usize = 100;

/// A live server answers at once; one whose backlog is full does not answer at all.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Times that a file may appear between looking and publishing before we believe that somebody else wants the path.
const ATTEMPTS: usize = 4;

/// A bound Unix socket, with the file that leads to it.
#[derive(Debug)]
pub struct UnixSocket {
    /// First, so that it is gone before the socket is closed: an inode in use is given to no other file.
    file: SocketFile,
    listener: UnixListener,
}

impl UnixSocket {
    /// The path under which clients find it. The listener's own address has the name that it was created under.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.listener.accept().await?;
        Ok(stream)
    }

    /// Takes a connection that waits already; `None` if none does. Asks the system itself: the runtime may not know yet
    /// who has connected.
    ///
    /// # Errors
    /// Those of the system.
    pub fn accept_waiting(&self) -> io::Result<Option<UnixStream>> {
        let accepted = match accept_now(&self.listener) {
            Ok(accepted) => accepted,
            Err(Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stream = std::os::unix::net::UnixStream::from(accepted);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Some)
    }
}

#[cfg(target_os = "linux")]
fn accept_now(listener: &UnixListener) -> Result<OwnedFd, Errno> {
    rustix::net::accept_with(listener, SocketFlags::CLOEXEC)
}

/// No other system can do both at once.
#[cfg(not(target_os = "linux"))]
fn accept_now(listener: &UnixListener) -> Result<OwnedFd, Errno> {
    let accepted = rustix::net::accept(listener)?;
    rustix::io::fcntl_setfd(&accepted, rustix::io::FdFlags::CLOEXEC)?;
    Ok(accepted)
}

/// A bound Unix datagram socket, with the file that leads to it.
#[derive(Debug)]
pub struct DatagramSocket {
    /// First, as above.
    file: SocketFile,
    socket: UnixDatagram,
}

impl DatagramSocket {
    /// The path under which clients find it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The socket itself.
    #[must_use]
    pub fn socket(&self) -> &UnixDatagram {
        &self.socket
    }
}

/// Removes the file on drop, if it is still ours.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    owner: u32,
}

impl SocketFile {
    /// A second claim to the file of a socket that this process has just bound, for an owner who must be able to remove
    /// it at once, whenever the task that has the socket ends. `None` where there is no file.
    #[must_use]
    pub fn claim(path: &Path) -> Option<Self> {
        Some(Self {
            path: path.to_owned(),
            identity: identity(path)?,
            owner: std::process::id(),
        })
    }

    /// Gives the claim up: whoever has the socket removes its file.
    pub fn release(mut self) {
        // No process has this id.
        self.owner = 0;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A forked child has this value too, but the socket is its parent's.
        if self.owner != std::process::id() {
            return;
        }
        if identity(&self.path) != Some(self.identity) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "socket file stays behind");
        }
    }
}

/// A path of its own for this process, `{directory}/dd-trace-{pid}-{6 hex digits}.sock`.
///
/// `/tmp` is used instead of `directory` where the result would be longer than a socket path may be.
#[must_use]
pub fn auto_path(directory: &Path) -> PathBuf {
    let name = format!(
        "dd-trace-{}-{:06x}.sock",
        std::process::id(),
        fastrand::u32(..1 << 24)
    );
    let path = directory.join(&name);
    if directory.is_absolute() && path.as_os_str().len() <= MAX_PATH_BYTES {
        path
    } else {
        Path::new("/tmp").join(name)
    }
}

/// Says what is wrong with a socket path, whether or not anything exists there.
///
/// # Errors
/// An empty, relative or too long path, or one with a NUL byte.
pub fn validate(path: &Path) -> Result<(), BindError> {
    let bytes = path.as_os_str().as_bytes();
    let problem = if bytes.is_empty() {
        "path cannot be empty".to_owned()
    } else if bytes.contains(&0) {
        "path contains null bytes".to_owned()
    } else if bytes.len() > MAX_PATH_BYTES {
        format!(
            "path too long: {} bytes (maximum {MAX_PATH_BYTES} bytes)",
            bytes.len()
        )
    } else if !path.is_absolute() {
        "path must be absolute".to_owned()
    } else {
        return Ok(());
    };
    Err(refused(path, problem))
}

/// Binds `path` with `mode`.
///
/// # Errors
/// A path or mode that cannot be used, a live server behind the path, or the system's reason.
pub async fn bind(path: &Path, mode: u32) -> Result<UnixSocket, BindError> {
    let (listener, file) = bind_as(path, mode, UnixListener::bind).await?;
    Ok(UnixSocket { listener, file })
}

/// Binds `path` with `mode` for datagrams.
///
/// # Errors
/// As for [`bind`].
pub async fn bind_datagram(path: &Path, mode: u32) -> Result<DatagramSocket, BindError> {
    let (socket, file) = bind_as(path, mode, UnixDatagram::bind).await?;
    Ok(DatagramSocket { socket, file })
}

async fn bind_as<S>(
    path: &Path,
    mode: u32,
    bind: fn(PathBuf) -> io::Result<S>,
) -> Result<(S, SocketFile), BindError> {
    validate(path)?;
    if mode & !0o777 != 0 {
        return Err(refused(path, format!("mode {mode:o} is not a file mode")));
    }
    let directory = check_directory(path)?;
    warn_of_mode(path, mode);
    for _ in 0..ATTEMPTS {
        make_way(path).await?;
        if let Some(socket) = create(path, directory, mode, bind).map_err(|e| refused(path, e))? {
            return Ok(socket);
        }
    }
    Err(refused(path, "Address already in use"))
}

fn refused(path: &Path, problem: impl ToString) -> BindError {
    BindError {
        target: path.display().to_string(),
        problem: problem.to_string(),
    }
}

fn check_directory(path: &Path) -> Result<&Path, BindError> {
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    let found = fs::metadata(directory)
        .map_err(|error| refused(path, format!("directory {}: {error}", directory.display())))?;
    if !found.is_dir() {
        return Err(refused(
            path,
            format!("{} is not a directory", directory.display()),
        ));
    }
    let writable_by_all = found.mode() & 0o002 != 0;
    let sticky = found.mode() & 0o1000 != 0;
    if writable_by_all && !sticky {
        tracing::warn!(
            path = %path.display(),
            "anyone can replace this socket: its directory is writable by all without the sticky bit"
        );
    }
    Ok(directory)
}

/// Connecting takes the right to write.
fn warn_of_mode(path: &Path, mode: u32) {
    if mode & 0o002 != 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{mode:04o}"), "every user can connect to this socket");
    }
    if mode & 0o222 == 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{mode:04o}"), "nobody but root can connect to this socket");
    }
}

/// Removes the socket of a dead server; leaves and reports anything else.
async fn make_way(path: &Path) -> Result<(), BindError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(path, error)),
    };
    if found.file_type().is_symlink() {
        return Err(refused(path, "refusing to follow a symlink"));
    }
    if !found.file_type().is_socket() {
        return Err(refused(path, "exists and is not a socket"));
    }
    match tokio::time::timeout(PROBE_TIMEOUT, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
            return Err(refused(path, format!("a socket is there, and {error}")));
        }
        // Connected, or its backlog is full.
        Ok(_) | Err(_) => return Err(refused(path, "Address already in use")),
    }
    // Another starting agent may have replaced the dead socket by its own since we looked.
    if identity(path) == Some((found.dev(), found.ino())) {
        fs::remove_file(path).map_err(|error| refused(path, error))?;
    }
    Ok(())
}

/// Creates the socket under a temporary name, and moves it to `path` once it has its mode.
///
/// `None` when something has appeared at `path` in the meantime.
fn create<S>(
    path: &Path,
    directory: &Path,
    mode: u32,
    bind: fn(PathBuf) -> io::Result<S>,
) -> io::Result<Option<(S, SocketFile)>> {
    // Short, because it must fit where the name of the socket itself may be of one letter.
    let temporary = directory.join(format!(".{:06x}", fastrand::u32(..1 << 24)));
    let socket = match bind(temporary.clone()) {
        Ok(socket) => socket,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(None),
        Err(error) => return Err(error),
    };
    let published = fs::set_permissions(&temporary, fs::Permissions::from_mode(mode))
        .and_then(|()| fs::symlink_metadata(&temporary))
        .and_then(|made| publish(&temporary, path).map(|published| (published, made)));
    match published {
        Ok((true, made)) => {
            let file = SocketFile {
                path: path.to_owned(),
                identity: (made.dev(), made.ino()),
                owner: std::process::id(),
            };
            Ok(Some((socket, file)))
        }
        Ok((false, _)) => fs::remove_file(&temporary).map(|()| None),
        Err(error) => {
            // The first error is the one worth telling.
            drop(fs::remove_file(&temporary));
            Err(error)
        }
    }
}

/// Whether the file could be moved to a path at which there was nothing.
fn publish(temporary: &Path, path: &Path) -> io::Result<bool> {
    match rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Not every file system can refuse to replace.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::rename(temporary, path).map(|()| true)
        }
        Err(error) => Err(error.into()),
    }
}

/// Device and inode, without following a link.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::Write as _;
    use std::os::unix::net;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::Builder::new().prefix("dd").tempdir().unwrap()
    }

    fn mode_of(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    async fn problem(path: &Path) -> String {
        bind(path, 0o600).await.unwrap_err().problem
    }

    #[tokio::test]
    async fn connections_that_wait_are_taken_without_waiting_even_if_their_clients_are_gone() {
        let directory = scratch();
        let path = directory.path().join("apm.sock");
        let socket = bind(&path, 0o600).await.unwrap();
        assert!(socket.accept_waiting().unwrap().is_none());
        for word in [b"one", b"two"] {
            let mut client = net::UnixStream::connect(&path).unwrap();
            client.write_all(word).unwrap();
        }
        for word in [b"one", b"two"] {
            let mut stream = socket.accept_waiting().unwrap().unwrap();
            let mut read = Vec::new();
            stream.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, word);
        }
        assert!(socket.accept_waiting().unwrap().is_none());
    }

    #[tokio::test]
    async fn socket_has_its_mode_and_leaves_no_other_file() {
        let directory = scratch();
        let path = directory.path().join("apm.sock");
        for mode in [0o600, 0o660, 0o666, 0o722] {
            let socket = bind(&path, mode).await.unwrap();
            assert_eq!(socket.path(), path);
            assert_eq!(mode_of(&path), mode);
            let names: Vec<_> = fs::read_dir(&directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            assert_eq!(names, ["apm.sock"]);
            let (client, server) = tokio::join!(UnixStream::connect(&path), socket.accept());
            client.unwrap();
            server.unwrap();
            drop(socket);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn datagram_socket_has_its_mode_and_gives_way_only_when_it_is_dead() {
        let directory = scratch();
        let path = directory.path().join("dsd.sock");
        drop(net::UnixDatagram::bind(&path).unwrap());
        let socket = bind_datagram(&path, 0o722).await.unwrap();
        assert_eq!((socket.path(), mode_of(&path)), (&*path, 0o722));
        let client = net::UnixDatagram::unbound().unwrap();
        client.send_to(b"a:1|c", &path).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(socket.socket().recv(&mut buffer).await.unwrap(), 5);
        assert!(bind_datagram(&path, 0o722).await.is_err());
        assert!(bind(&path, 0o600).await.is_err());
        client.send_to(b"b", &path).unwrap();
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn mode_outside_of_permissions_is_refused() {
        let directory = scratch();
        let error = bind(&directory.path().join("s"), 0o10600)
            .await
            .unwrap_err();
        assert_eq!(error.problem, "mode 10600 is not a file mode");
    }

    #[tokio::test]
    async fn socket_of_a_dead_server_is_replaced() {
        let directory = scratch();
        let path = directory.path().join("s");
        drop(net::UnixListener::bind(&path).unwrap());
        assert_eq!(
            UnixStream::connect(&path).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        let _socket = bind(&path, 0o600).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn live_server_keeps_its_socket() {
        let directory = scratch();
        let path = directory.path().join("s");
        let first = bind(&path, 0o600).await.unwrap();
        assert_eq!(problem(&path).await, "Address already in use");
        assert_eq!(identity(&path), Some(first.file.identity));
    }

    #[tokio::test]
    async fn symlink_is_refused_and_stays() {
        let directory = scratch();
        let path = directory.path().join("s");
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), &path).unwrap();
        assert_eq!(problem(&path).await, "refusing to follow a symlink");
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[tokio::test]
    async fn regular_file_and_directory_are_refused_and_stay() {
        let directory = scratch();
        let file = directory.path().join("data");
        fs::write(&file, "precious").unwrap();
        assert_eq!(problem(&file).await, "exists and is not a socket");
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        let inner = directory.path().join("inner");
        fs::create_dir(&inner).unwrap();
        assert_eq!(problem(&inner).await, "exists and is not a socket");
        assert!(inner.is_dir());
    }

    #[tokio::test]
    async fn socket_of_another_kind_is_refused_and_stays() {
        let directory = scratch();
        let path = directory.path().join("s");
        let _datagram = net::UnixDatagram::bind(&path).unwrap();
        let problem = problem(&path).await;
        assert!(problem.starts_with("a socket is there, and "), "{problem}");
        assert!(path.exists());
    }

    #[tokio::test]
    async fn file_that_replaced_ours_stays_on_drop() {
        let directory = scratch();
        let path = directory.path().join("s");
        let socket = bind(&path, 0o600).await.unwrap();
        // Kept under another name, so that its inode is not given out again.
        fs::rename(&path, directory.path().join("moved")).unwrap();
        fs::write(&path, "precious").unwrap();
        drop(socket);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_second_claim_removes_the_file_at_once_and_a_released_one_leaves_it() {
        let directory = scratch();
        let path = directory.path().join("s");
        assert!(SocketFile::claim(&path).is_none());
        let socket = bind(&path, 0o600).await.unwrap();
        SocketFile::claim(&path).unwrap().release();
        assert!(path.exists());
        drop(SocketFile::claim(&path).unwrap());
        assert!(!path.exists());
        // The socket is still open, so the file that takes its place is another.
        let other = bind(&path, 0o600).await.unwrap();
        drop(socket);
        assert_eq!(identity(&path), Some(other.file.identity));
    }

    #[tokio::test]
    async fn forked_child_leaves_the_file_of_its_parent() {
        let directory = scratch();
        let path = directory.path().join("s");
        let mut socket = bind(&path, 0o600).await.unwrap();
        socket.file.owner += 1;
        drop(socket);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn path_that_appears_while_publishing_is_not_replaced() {
        let directory = scratch();
        let path = directory.path().join("s");
        fs::write(&path, "precious").unwrap();
        assert!(
            create(&path, directory.path(), 0o600, UnixListener::bind)
                .unwrap()
                .is_none()
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn path_of_exactly_100_bytes_is_bound_and_of_101_refused() {
        let directory = scratch();
        let base = directory.path().as_os_str().len();
        // The longest directory and a name of one letter leave the least room for the temporary name.
        let inner = directory.path().join("d".repeat(100 - base - 3));
        fs::create_dir(&inner).unwrap();
        let path = inner.join("s");
        assert_eq!(path.as_os_str().len(), 100);
        let socket = bind(&path, 0o600).await.unwrap();
        assert_eq!(socket.path(), path);
        assert_eq!(
            problem(&inner.join("st")).await,
            "path too long: 101 bytes (maximum 100 bytes)"
        );
    }

    #[test]
    fn length_is_counted_in_bytes() {
        let path = format!("/{}", "é".repeat(50));
        assert_eq!(path.chars().count(), 51);
        assert_eq!(
            validate(Path::new(&path)).unwrap_err().problem,
            "path too long: 101 bytes (maximum 100 bytes)"
        );
    }

    #[test]
    fn unusable_paths_are_named_as_what_they_are() {
        let problem = |path: &OsStr| validate(Path::new(path)).unwrap_err().problem;
        assert_eq!(problem(OsStr::new("")), "path cannot be empty");
        assert_eq!(
            problem(OsStr::from_bytes(b"/tmp/a\0b")),
            "path contains null bytes"
        );
        assert_eq!(problem(OsStr::new("run/s")), "path must be absolute");
        validate(Path::new("/run/datadog/apm.sock")).unwrap();
    }

    #[tokio::test]
    async fn missing_directory_is_named() {
        let directory = scratch();
        let path = directory.path().join("nowhere/s");
        let problem = problem(&path).await;
        let expected = format!("directory {}", path.parent().unwrap().display());
        assert!(problem.starts_with(&expected), "{problem}");
    }

    #[test]
    fn automatic_path_names_the_process_and_six_hex_digits() {
        let path = auto_path(Path::new("/tmp"));
        let text = path.to_str().unwrap();
        let rest = text
            .strip_prefix(&format!("/tmp/dd-trace-{}-", std::process::id()))
            .unwrap();
        let digits = rest.strip_suffix(".sock").unwrap();
        assert_eq!(digits.len(), 6);
        assert!(
            digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        );
        assert_ne!(path, auto_path(Path::new("/tmp")));
        validate(&path).unwrap();
    }

    #[test]
    fn automatic_path_falls_back_to_tmp_where_it_would_be_too_long() {
        let long = format!("/{}", "d".repeat(90));
        assert!(auto_path(Path::new(&long)).starts_with("/tmp"));
        assert!(auto_path(Path::new("relative")).starts_with("/tmp"));
        assert!(auto_path(Path::new("/var/run")).starts_with("/var/run"));
    }
}
