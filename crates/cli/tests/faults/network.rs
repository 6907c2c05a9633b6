//! A proxy to a database that can be cut, and that can silently stop forwarding.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Carries,
    /// Keeps connections open, but forwards nothing.
    Stalls,
    /// Closes every connection.
    Cut,
}

/// A proxy from a local port to a socket.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    open: Mutex<Vec<(TcpStream, UnixStream)>>,
}

impl Way {
    pub(crate) fn to_socket(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Carries),
            changed: Condvar::new(),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        // The thread ends with the process.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                accepting.carry(near, &socket);
            }
        });
        Self { address, shared }
    }

    pub(crate) fn cut(&self) {
        self.shared.set(State::Cut);
    }

    pub(crate) fn stall(&self) {
        self.shared.set(State::Stalls);
    }

    pub(crate) fn carry(&self) {
        self.shared.set(State::Carries);
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        if state == State::Cut {
            for (near, far) in self.open.lock().unwrap().drain(..) {
                let _ = (near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both));
            }
        }
        self.changed.notify_all();
    }

    fn carry(self: &Arc<Self>, near: TcpStream, socket: &PathBuf) {
        // Without a server, the connection is closed.
        let Ok(far) = UnixStream::connect(socket) else { return };
        if *self.state.lock().unwrap() == State::Cut {
            return;
        }
        self.open.lock().unwrap().push((near.try_clone().unwrap(), far.try_clone().unwrap()));
        let (mut near_out, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let (mut near, mut far) = (near, far);
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || {
            there.copy(|buffer| near.read(buffer), |bytes| far_out.write_all(bytes));
            let _ = far_out.shutdown(Shutdown::Both);
        });
        std::thread::spawn(move || {
            back.copy(|buffer| far.read(buffer), |bytes| near_out.write_all(bytes));
            let _ = near_out.shutdown(Shutdown::Both);
        });
    }

    fn copy(
        &self,
        mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
        mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) {
        let mut buffer = [0; 65_536];
        while let Ok(length @ 1..) = read(&mut buffer) {
            let state = self.state.lock().unwrap();
            let state = self.changed.wait_while(state, |state| *state == State::Stalls).unwrap();
            let cut = *state == State::Cut;
            drop(state);
            if cut || write(&buffer[..length]).is_err() {
                return;
            }
        }
    }
}
