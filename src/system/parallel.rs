//! Work on all processors.

use std::cell::Cell;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

/// Returns how many threads are worth starting: one for each processor that this process may use. A cgroup's limit on processor time
/// is ignored: reading it takes a dozen files, which is longer than writing one cluster's files.
pub fn threads() -> usize {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count().max(1) as usize)
}

thread_local! {
    /// Whether this thread is one of several that share the processors already.
    static SHARES: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on each item, on all processors, and returns the results in the order of the items. Nested calls do not start more
/// threads.
///
/// # Panics
/// If `work` does.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() < 2 || SHARES.get() || threads() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = vec![];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            done.push((at, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads().min(items.len())).map(|_| scope.spawn(|| sharing(worker))).collect();
        let mut done = sharing(worker);
        for other in others {
            done.extend(joined(other));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Does `work` on each item at the same time, each on a thread of its own, and returns the results in the order of the items. Meant for
/// a few requests that wait for others, not for work that uses the processor.
///
/// # Panics
/// If `work` does.
pub fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let waiting: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        waiting.into_iter().map(joined).collect()
    })
}

/// Does two things that wait for others at the same time.
///
/// # Panics
/// If one of them does.
pub fn both_waiting<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (joined(one), other)
    })
}

/// Does two things at the same time, if there is a processor for each. Nested calls do not start more threads.
///
/// # Panics
/// If one of them does.
pub fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    if SHARES.get() || threads() < 2 {
        return (one(), other());
    }
    both_waiting(|| sharing(one), || sharing(other))
}

/// Waits for a thread and returns its result.
///
/// # Panics
/// If the thread did, with its own message.
pub fn joined<R>(thread: ScopedJoinHandle<'_, R>) -> R {
    thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
}

fn sharing<R>(work: impl FnOnce() -> R) -> R {
    SHARES.set(true);
    let done = work();
    SHARES.set(false);
    done
}

#[cfg(test)]
mod tests {
    use super::{at_once, both, map};

    #[test]
    fn answers_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(map(&items, |i| i * 2), (0..1000).map(|i| i * 2).collect::<Vec<_>>());
        assert_eq!(map(&[] as &[u8], |_| 1), Vec::<i32>::new());
    }

    /// Each waits until all have begun.
    #[test]
    fn what_waits_waits_at_the_same_time() {
        let all = std::sync::Barrier::new(5);
        let waited = at_once(&[1, 2, 3, 4, 5], |n| {
            all.wait();
            n * 2
        });
        assert_eq!(waited, [2, 4, 6, 8, 10]);
    }

    #[test]
    fn answers_both() {
        let (mut one, mut other) = (0, 0);
        assert_eq!(both(|| one += 1, || other += 2), ((), ()));
        assert_eq!((one, other), (1, 2));
    }

    #[test]
    fn what_is_divided_is_not_divided_again() {
        let within = map(&[1, 2, 3], |_| {
            let me = std::thread::current().id();
            map(&[1, 2, 3], |_| std::thread::current().id() == me)
        });
        assert_eq!(within, vec![vec![true; 3]; 3]);
    }
}
