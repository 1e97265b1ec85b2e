//! The tables of Linux, `proc_pid_net(5)`: with ten thousand stations megabytes that the kernel writes
//! out line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use super::{Held, canonical};

/// The state of an established connection (`TCP_ESTABLISHED`, `include/net/tcp_states.h`).
const ESTABLISHED: &str = "01";

/// One reads at a time, so that many questions at once take one processor and not all.
static READING: Mutex<()> = Mutex::new(());

/// What the tables say of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    /// The address of its own end.
    own: SocketAddr,
    /// The address of its other end.
    other: SocketAddr,
    /// The socket.
    held: Held,
}

/// The socket with this address at its own end and that at its other one.
pub(super) fn find(own: SocketAddr, other: SocketAddr) -> Option<Held> {
    let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let ends = (canonical(own), canonical(other));
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"].iter().find_map(|table| {
        let looked = File::open(table).and_then(|file| look(BufReader::new(file), ends));
        looked.unwrap_or_else(|error| {
            tracing::debug!(%error, table, "could not read who owns a connection");
            None
        })
    })
}

/// The socket with these ends, its own first.
fn look(mut table: impl BufRead, ends: (SocketAddr, SocketAddr)) -> io::Result<Option<Held>> {
    let mut line = String::new();
    while table.read_line(&mut line)? > 0 {
        if let Some(row) = row(&line).filter(|row| (row.own, row.other) == ends) {
            return Ok(Some(row.held));
        }
        line.clear();
    }
    Ok(None)
}

/// The row on this line, if it is an established socket that somebody holds.
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let own = address(fields.next()?)?;
    let other = address(fields.next()?)?;
    if fields.next()? != ESTABLISHED {
        return None;
    }
    let mut fields = fields.skip(3);
    let user = fields.next()?.parse().ok()?;
    let inode: u64 = fields.nth(1)?.parse().ok()?;
    (inode != 0).then_some(Row { own, other, held: Held { user, inode } })
}

/// `0100007F:0751`: words of 32 bits as they lie in memory, then the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = ip.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "   3: 0100007F:DDF2 0100007F:0751 01 00000000:00000000 00:00000000 00000000  \
        1000        0 48211 1 0000000000000000 20 4 30 10 -1\n";

    #[test]
    fn a_row_is_read() {
        let row = row(ROW).expect("a row");
        assert_eq!(row.own, "127.0.0.1:56818".parse().unwrap());
        assert_eq!(row.other, "127.0.0.1:1873".parse().unwrap());
        assert_eq!(row.held, Held { user: 1000, inode: 48_211 });
    }

    #[test]
    fn a_row_of_the_v6_table_is_read_and_mapped_addresses_are_v4() {
        let v6 = ROW.replace("0100007F", "00000000000000000000000001000000");
        assert_eq!(row(&v6).expect("a row").own, "[::1]:56818".parse().unwrap());
        let mapped = ROW.replace("0100007F", "0000000000000000FFFF00000100007F");
        assert_eq!(row(&mapped), row(ROW));
    }

    #[test]
    fn what_is_no_held_established_socket_is_no_row() {
        let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        for line in [
            header,
            "",
            "\n",
            "3:",
            &ROW.replace(" 01 ", " 08 "),
            &ROW.replace(" 01 ", " 0A "),
            &ROW.replace(" 48211 ", " 0 "),
            &ROW.replace(" 1000 ", " root "),
            &ROW.replace("0100007F:", "0100007F"),
            &ROW.replace("0100007F", "0100007"),
            &ROW.replace("0100007F", "0100007é"),
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
