//! Workers that wait for work. Whoever admits tasks gives them out to these in the same transaction, which saves each task
//! a claim of its own; what no waiting worker has room for is claimed later (claims.rs).

use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The workers that wait for this process to give them something.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Waiters>);

#[derive(Default)]
struct Waiters {
    last: u64,
    all: Vec<Waiter>,
}

struct Waiter {
    number: u64,
    worker_id: String,
    queues: Vec<String>,
    /// How many tasks it may be given.
    free: usize,
    give: UnboundedSender<Vec<String>>,
}

impl Waiting {
    /// A place for a worker, which takes nothing until it is opened.
    pub(crate) fn place(self: &Arc<Self>, worker_id: &str, queues: &[String]) -> Place {
        let (give, given) = unbounded_channel();
        let mut waiters = self.0.lock().expect("not poisoned");
        waiters.last += 1;
        let number = waiters.last;
        waiters.all.push(Waiter { number, worker_id: worker_id.into(), queues: queues.to_vec(), free: 0, give });
        Place { waiting: self.clone(), number, given }
    }

    /// Puts a queued task into a gift for the worker with most room, if one waits for this queue.
    pub(crate) fn choose(self: &Arc<Self>, gifts: &mut Vec<Gift>, queue: &str, ti_id: &str) -> bool {
        let mut waiters = self.0.lock().expect("not poisoned");
        let able = waiters.all.iter_mut().filter(|w| w.free > 0 && w.queues.iter().any(|q| q == queue));
        // of equals the one that waits longest
        let Some(waiter) = able.rev().max_by_key(|w| w.free) else { return false };
        waiter.free -= 1;
        match gifts.iter_mut().find(|gift| gift.number == waiter.number) {
            Some(gift) => gift.ti_ids.push(ti_id.into()),
            None => gifts.push(Gift {
                waiting: self.clone(),
                number: waiter.number,
                worker_id: waiter.worker_id.clone(),
                ti_ids: vec![ti_id.into()],
                give: waiter.give.clone(),
            }),
        }
        true
    }

    /// Is there a worker with room?
    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().expect("not poisoned").all.iter().any(|w| w.free > 0)
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Waiter)) {
        if let Some(waiter) = self.0.lock().expect("not poisoned").all.iter_mut().find(|w| w.number == number) {
            change(waiter);
        }
    }

    fn remove(&self, number: u64) {
        self.0.lock().expect("not poisoned").all.retain(|w| w.number != number);
    }
}

/// Where one worker waits. Who drops it with a gift on its way loses that: its lease runs out.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    number: u64,
    given: UnboundedReceiver<Vec<String>>,
}

impl Place {
    /// From now on so many more tasks may be given.
    pub(crate) fn open(&self, slots: usize) {
        self.waiting.change(self.number, |waiter| waiter.free += slots);
    }

    /// Nothing more may be given. Returns how many more tasks it could have been; those promised come by [`Place::leave`].
    pub(crate) fn close(&self) -> usize {
        let mut left = 0;
        self.waiting.change(self.number, |waiter| left = std::mem::take(&mut waiter.free));
        left
    }

    /// Waits for a gift: ids of task instances.
    pub(crate) async fn gift(&mut self) -> Vec<String> {
        // the waiter in the list holds the other end
        self.given.recv().await.unwrap_or_default()
    }

    /// Goes, with what is still promised.
    pub(crate) async fn leave(mut self) -> Vec<String> {
        self.waiting.remove(self.number);
        let mut last = Vec::new();
        while let Some(more) = self.given.recv().await {
            last.extend(more);
        }
        last
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.remove(self.number);
    }
}

/// Task instances for one waiting worker. Dropped without [`Gift::send`], the worker has its room again.
pub(crate) struct Gift {
    waiting: Arc<Waiting>,
    number: u64,
    pub(crate) worker_id: String,
    pub(crate) ti_ids: Vec<String>,
    give: UnboundedSender<Vec<String>>,
}

impl Gift {
    /// Tells the worker. The instances are its own by then.
    pub(crate) fn send(mut self) {
        let _ = self.give.send(std::mem::take(&mut self.ti_ids));
    }
}

impl Drop for Gift {
    fn drop(&mut self) {
        let back = self.ti_ids.len();
        if back > 0 {
            self.waiting.change(self.number, |waiter| waiter.free += back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(waiting: &Arc<Waiting>, queue: &str, tasks: &[&str]) -> Vec<Gift> {
        let mut gifts = Vec::new();
        for task in tasks {
            waiting.choose(&mut gifts, queue, task);
        }
        gifts
    }

    #[tokio::test]
    async fn the_worker_with_most_room_is_given_what_is_in_its_queues() {
        let waiting = Arc::<Waiting>::default();
        let queues = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let (mut small, mut large) = (waiting.place("small", &queues(&["default"])), waiting.place("large", &queues(&["default", "gpu"])));
        assert!(chosen(&waiting, "default", &["a"]).is_empty(), "neither is open");
        small.open(1);
        large.open(2);
        for gift in chosen(&waiting, "default", &["a", "b", "c", "d"]) {
            gift.send();
        }
        assert_eq!((small.gift().await, large.gift().await), (queues(&["b"]), queues(&["a", "c"])));
        assert!(chosen(&waiting, "gpu", &["e"]).is_empty(), "no room is left");
    }

    #[tokio::test]
    async fn what_was_promised_comes_or_makes_room_again() {
        let waiting = Arc::<Waiting>::default();
        let place = waiting.place("w", &["default".into()]);
        place.open(2);
        drop(chosen(&waiting, "default", &["undone"]));
        let mut gifts = chosen(&waiting, "default", &["kept"]);
        let undone = chosen(&waiting, "default", &["undone"]);
        assert_eq!(place.close(), 0);
        let leaving = tokio::spawn(place.leave());
        tokio::task::yield_now().await;
        assert!(!leaving.is_finished(), "two are on their way");
        drop(undone);
        gifts.remove(0).send();
        assert_eq!(leaving.await.unwrap(), ["kept"]);
        assert!(chosen(&waiting, "default", &["late"]).is_empty(), "it has left");
    }
}
