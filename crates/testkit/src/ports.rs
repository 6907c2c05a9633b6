//! Free ports for programs that cannot choose one themselves.

use std::net::TcpListener;
use std::sync::Mutex;

/// Free ports that no other call of this process got. They are below those that the kernel gives to outgoing connections,
/// or a connection of a test could take one while its program restarts.
///
/// # Panics
/// When there are not enough.
pub fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: Mutex<Option<u16>> = Mutex::new(None);
    let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (first, outgoing) = (10_000, first_outgoing());
    // Each process begins at another place.
    let mut port = next.unwrap_or_else(|| {
        let places = u32::from(outgoing - first);
        first + u16::try_from(std::process::id().wrapping_mul(97) % places).unwrap_or_default()
    });
    let mut tried = 0;
    let ports = [(); N].map(|()| {
        loop {
            port = if port + 1 < outgoing { port + 1 } else { first };
            tried += 1;
            assert!(tried < outgoing - first, "no free ports");
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    });
    *next = Some(port);
    ports
}

/// The first port of outgoing connections.
fn first_outgoing() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    first.filter(|first| *first > 12_000).unwrap_or(32_768)
}
