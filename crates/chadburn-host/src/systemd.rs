//! What systemd is told, and what it hands over: `sd_notify(3)` and socket activation.
//!
//! Without systemd all of it does nothing. It does not know what the server is doing.

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use listenfd::ListenFd;

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Manager {
    /// Connected to the address in `NOTIFY_SOCKET`.
    socket: Option<UnixDatagram>,
}

impl Manager {
    /// The manager that started this process, if any. An address that cannot be reached counts
    /// as none, with a warning: the service then fails to start, and the log says why.
    #[must_use]
    pub fn of_this_process() -> Self {
        let Some(address) = env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty())
        else {
            return Self::default();
        };
        match connected(address.as_encoded_bytes()) {
            Ok(socket) => Self { socket: Some(socket) },
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be reached");
                Self::default()
            }
        }
    }

    /// The server listens and greets.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The server has begun to end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The server's loops turn; to be said at least every [`watchdog_interval`].
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// What `systemctl status` shows beside the name, in one line.
    pub fn status(&self, line: &str) {
        self.tell(&format!("STATUS={}", crate::log::escaped(line)));
    }

    /// The manager may be gone or restarting, and the server goes on.
    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(what.as_bytes())
        {
            tracing::debug!(%error, what, "the service manager was not told");
        }
    }
}

/// A path, or on Linux an abstract name after `@`.
fn connected(address: &[u8]) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.split_first() {
        #[cfg(target_os = "linux")]
        Some((b'@', name)) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.connect_addr(&address)?;
        }
        _ => {
            use std::os::unix::ffi::OsStrExt;
            socket.connect(std::ffi::OsStr::from_bytes(address))?;
        }
    }
    Ok(socket)
}

/// How often to say [`Manager::alive`]: half of what the unit's `WatchdogSec` allows, as
/// `sd_watchdog_enabled(3)` advises. `None` if nobody waits for it.
#[must_use]
pub fn watchdog_interval() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    interval(number("WATCHDOG_USEC"), number("WATCHDOG_PID"), std::process::id())
}

fn interval(usec: Option<u64>, whose: Option<u64>, own: u32) -> Option<Duration> {
    if whose.is_some_and(|pid| pid != u64::from(own)) {
        return None;
    }
    usec.filter(|usec| *usec > 0).map(|usec| Duration::from_micros(usec / 2))
}

/// The listening socket that systemd has bound for us (`chadburn.socket`), if it has; it is set
/// not to block, as tokio wants it. To be asked once, before anything else opens descriptors.
pub fn listener() -> io::Result<Option<TcpListener>> {
    let listener = ListenFd::from_env().take_tcp_listener(0)?;
    if let Some(listener) = &listener {
        listener.set_nonblocking(true)?;
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &Manager, ear: &UnixDatagram) -> String {
        manager.ready();
        manager.status("two\nlines");
        manager.alive();
        manager.stopping();
        let mut heard = String::new();
        let mut buffer = [0; 256];
        for _ in 0..4 {
            let length = ear.recv(&mut buffer).unwrap();
            heard += std::str::from_utf8(&buffer[..length]).unwrap();
            heard += "|";
        }
        heard
    }

    const ALL: &str = "READY=1|STATUS=two\\nlines|WATCHDOG=1|STOPPING=1|";

    #[test]
    fn a_manager_behind_a_path_hears_everything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let ear = UnixDatagram::bind(&path).unwrap();
        let socket = connected(path.as_os_str().as_encoded_bytes()).unwrap();
        assert_eq!(heard(&Manager { socket: Some(socket) }, &ear), ALL);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_manager_behind_an_abstract_name_hears_everything() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("chadburn-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let ear = UnixDatagram::bind_addr(&address).unwrap();
        let socket = connected(format!("@{name}").as_bytes()).unwrap();
        assert_eq!(heard(&Manager { socket: Some(socket) }, &ear), ALL);
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        Manager::default().ready();
        assert!(connected(b"/no/such/socket").is_err());
    }

    #[test]
    fn the_watchdog_is_fed_twice_as_often_as_it_must_be() {
        assert_eq!(interval(Some(30_000_000), None, 7), Some(Duration::from_secs(15)));
        assert_eq!(interval(Some(30_000_000), Some(7), 7), Some(Duration::from_secs(15)));
        assert_eq!(interval(Some(30_000_000), Some(8), 7), None);
        assert_eq!(interval(None, None, 7), None);
        assert_eq!(interval(Some(0), None, 7), None);
    }
}
