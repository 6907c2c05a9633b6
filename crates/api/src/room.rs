//! Admission control. A running request holds a slot; a request whose body is still arriving holds none, so slow bodies
//! block nobody. Bodies of unauthenticated callers are limited in number, in total and per address, and all bodies
//! together are limited in bytes.

mod intake;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use tokio::sync::Semaphore;

use crate::limits::Limits;

pub use intake::{Intake, Unread};

/// The share of slots for unauthenticated callers, as a divisor.
const STRANGERS: usize = 8;

/// The share of slots for arriving bodies of unauthenticated callers from one address, as a divisor. A received body no
/// longer counts: behind a proxy, all callers have one address.
const ONE_ADDRESS: usize = 16;

/// The slots for requests.
pub struct Room {
    limits: Limits,
    slots: Semaphore,
    strangers: Semaphore,
    /// Arriving bodies of unauthenticated callers, by address.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Bytes of bodies.
    bytes: AtomicUsize,
}

/// The slot of a request. Everything it holds is released when it leaves.
pub struct Place {
    room: Arc<Room>,
    peer: IpAddr,
    /// The endpoint identifies its caller only by the body.
    unknown: bool,
    /// The caller's signature or token is valid.
    proven: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    slot: bool,
    stranger: bool,
    waiting: bool,
    address: bool,
    bytes: usize,
    rest: Option<Body>,
}

/// Leaves when dropped.
pub struct Entered<'a>(&'a Place);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Room {
    /// Sized by the limits.
    pub fn new(limits: Limits) -> Self {
        let part = |of: usize| (limits.in_flight / of).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            limits,
            slots: Semaphore::new(part(1)),
            strangers: Semaphore::new(part(STRANGERS)),
            addresses: Mutex::default(),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Slots in use.
    pub fn in_flight(&self) -> usize {
        self.limits.in_flight.min(Semaphore::MAX_PERMITS).saturating_sub(self.slots.available_permits())
    }
}

fn take(permits: &Semaphore) -> bool {
    permits.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_ok()
}

impl Place {
    /// The slot of a request from an address. `unknown`: the endpoint identifies its caller only by the body.
    pub fn new(room: &Arc<Room>, peer: IpAddr, unknown: bool) -> Self {
        let (proven, held) = (AtomicBool::new(false), Mutex::default());
        Self { room: Arc::clone(room), peer, unknown, proven, held }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot, of the smaller share for unknown callers. `None`: no slot is free.
    pub fn enter(&self) -> Option<Entered<'_>> {
        let mut held = self.lock();
        let entered = Entered(self);
        held.slot = take(&self.room.slots);
        held.stranger = self.unknown && held.slot && take(&self.room.strangers);
        let there_is_room = held.slot && (held.stranger || !self.unknown);
        drop(held);
        there_is_room.then_some(entered)
    }

    /// The caller is authenticated: its body no longer counts as a stranger's.
    pub fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// The body has not arrived yet. False: too many bodies are arriving.
    pub fn wait(&self) -> bool {
        let mut held = self.lock();
        if held.waiting {
            return true;
        }
        if std::mem::take(&mut held.slot) {
            self.room.slots.add_permits(1);
        }
        if !self.proven.load(Ordering::Relaxed) {
            held.stranger = held.stranger || take(&self.room.strangers);
            held.address = held.stranger && self.room.wait_for(self.peer);
            if !held.address {
                return false;
            }
        }
        held.waiting = true;
        true
    }

    /// The body has arrived. False: no slot is free.
    fn arrive(&self) -> bool {
        let mut held = self.lock();
        if !std::mem::take(&mut held.waiting) {
            return true;
        }
        if std::mem::take(&mut held.address) {
            self.room.wait_no_more(self.peer);
        }
        if !self.unknown && std::mem::take(&mut held.stranger) {
            self.room.strangers.add_permits(1);
        }
        held.slot = take(&self.room.slots);
        held.slot
    }

    /// Counts received bytes of the body. False: the limit is reached.
    fn draw(&self, bytes: usize) -> bool {
        let most = self.room.limits.bodies_bytes;
        let more = |drawn: usize| drawn.checked_add(bytes).filter(|sum| *sum <= most);
        let drawn = self.room.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if drawn {
            self.lock().bytes += bytes;
        }
        drawn
    }

    /// Releases everything that the request holds.
    pub fn leave(&self) {
        let mut held = self.lock();
        let rest = held.rest.take();
        let Held { slot, stranger, address, bytes, .. } =
            std::mem::replace(&mut *held, Held { rest, ..Held::default() });
        drop(held);
        if slot {
            self.room.slots.add_permits(1);
        }
        if stranger {
            self.room.strangers.add_permits(1);
        }
        if address {
            self.room.wait_no_more(self.peer);
        }
        self.room.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether a part of the body is unread.
    pub fn is_unread(&self) -> bool {
        self.lock().rest.is_some()
    }

    /// The unread rest of the body.
    pub fn rest(&self) -> Option<Body> {
        self.lock().rest.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, peer: IpAddr) -> bool {
        let most = (self.limits.in_flight / ONE_ADDRESS).max(1);
        let mut addresses = self.lock();
        let waiting = addresses.entry(peer).or_insert(0);
        let fits = *waiting < most;
        *waiting += usize::from(fits);
        fits
    }

    fn wait_no_more(&self, peer: IpAddr) {
        let mut addresses = self.lock();
        if let Some(waiting) = addresses.get_mut(&peer) {
            *waiting -= 1;
            if *waiting == 0 {
                addresses.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn room() -> Arc<Room> {
        Arc::new(Room::new(Limits { in_flight: 16, body_bytes: 100, bodies_bytes: 150, ..Limits::default() }))
    }

    fn place(room: &Arc<Room>, unknown: bool) -> Place {
        Place::new(room, Ipv4Addr::LOCALHOST.into(), unknown)
    }

    #[test]
    fn all_bodies_together_are_bounded() {
        let room = room();
        let [one, two] = [place(&room, false), place(&room, true)];
        assert!(one.draw(100) && !two.draw(51) && two.draw(50));
        drop(one.enter());
        assert!(two.draw(100), "what left is given back");
        drop([one, two]);
        assert_eq!(room.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_slot_is_held_while_something_is_done_and_given_back_once() {
        let room = room();
        let place = place(&room, false);
        let entered = place.enter();
        assert_eq!(room.in_flight(), 1);
        place.prove();
        assert!(place.wait() && place.wait());
        assert_eq!(room.in_flight(), 0, "while the body is on its way");
        assert!(place.arrive() && place.arrive());
        assert_eq!(room.in_flight(), 1);
        drop(entered);
        drop(place);
        assert_eq!((room.in_flight(), room.strangers.available_permits()), (0, 2));
    }

    #[test]
    fn who_waits_for_a_body_may_find_no_room_when_it_is_there() {
        let room = room();
        let slow = place(&room, false);
        let _entered = slow.enter();
        slow.prove();
        assert!(slow.wait());
        let others: Vec<_> = (0..16).map(|_| place(&room, false)).collect();
        let entered: Vec<_> = others.iter().map(Place::enter).collect();
        assert!(entered.iter().all(Option::is_some) && !slow.arrive());
    }

    #[test]
    fn strangers_have_a_part_and_addresses_a_part_of_that() {
        let room = room();
        let [one, two, three] = [place(&room, true), place(&room, true), place(&room, true)];
        let _one = one.enter().unwrap();
        assert!(one.wait(), "of sixteen places one address may wait for one body");
        let second = two.enter().unwrap();
        assert!(!two.wait());
        assert!(three.enter().is_none(), "of sixteen places strangers have two");
        drop(second);
        assert!(three.enter().is_some());
        assert!(one.arrive());
        let known = place(&room, false);
        assert!(known.wait(), "a caller who is not known yet counts as one of them");
        assert_eq!(room.strangers.available_permits(), 0);
        known.leave();
        assert_eq!(room.strangers.available_permits(), 1);
        assert!(room.lock().is_empty());
    }
}
