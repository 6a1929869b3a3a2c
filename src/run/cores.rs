//! Work of the same kind on all cores of the machine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `work` makes of each item, in their order, on as many threads as there are cores. A panic of one goes on in the
/// caller.
pub(super) fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let (Some(item), Some(slot)) = (items.get(index), slots.get(index)) else { break };
                    let made = work(item);
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some(made);
                    }
                }
            });
        }
    });
    slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_the_order_stays() {
        let items: Vec<u32> = (0..1_000).collect();
        let count = AtomicUsize::new(0);
        let doubled = on_all_cores(&items, |item| {
            count.fetch_add(1, Ordering::SeqCst);
            2 * item
        });
        assert_eq!(doubled, items.iter().map(|item| 2 * item).collect::<Vec<_>>());
        assert_eq!(count.into_inner(), 1_000);
        assert!(on_all_cores(&[], |item: &u32| *item).is_empty());
    }
}
