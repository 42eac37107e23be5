//! Published values: each is dropped once, after its last use.

use loom::cell::UnsafeCell;
use loom::thread::spawn;

use crate::sync::Arc;
use crate::sync::published::Published;

/// A value that loom watches: its end must follow each use.
struct Watched(UnsafeCell<u32>);

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: nothing else uses it, which loom checks.
        self.0.with_mut(|value| unsafe { *value = 0 });
    }
}

fn watched(value: u32) -> Option<Arc<Watched>> {
    Some(Arc::new(Watched(UnsafeCell::new(value))))
}

fn place(value: u32) -> Arc<Published<Watched>> {
    let place = Arc::new(Published::empty());
    assert!(place.replace(watched(value)).is_none());
    place
}

/// Returns the value, or 0 if there is none.
fn read(place: &Published<Watched>) -> u32 {
    let loaded = place.load();
    // SAFETY: it is alive, which loom checks.
    loaded.get().map_or(0, |watched| watched.0.with(|value| unsafe { *value }))
}

pub(super) fn taken_away() {
    let place = place(1);
    let reader = spawn({
        let place = place.clone();
        move || [read(&place), read(&place)]
    });
    drop(place.replace(None));
    assert!([[1, 1], [1, 0], [0, 0]].contains(&reader.join().unwrap()));
}

pub(super) fn replaced() {
    let place = place(1);
    let readers = [0, 1].map(|_| {
        let place = place.clone();
        spawn(move || read(&place))
    });
    drop(place.replace(watched(2)));
    for reader in readers {
        assert!([1, 2].contains(&reader.join().unwrap()));
    }
}

pub(super) fn taken_away_from_inside() {
    let place = place(1);
    let writer = spawn({
        let place = place.clone();
        move || drop(place.replace(None))
    });
    let outer = place.load();
    let inner = read(&place);
    drop(place.replace(watched(2)));
    // SAFETY: it is alive, which loom checks.
    let outer = outer.get().map_or(0, |watched| watched.0.with(|value| unsafe { *value }));
    assert!([(1, 1), (1, 0), (0, 0)].contains(&(outer, inner)));
    writer.join().unwrap();
    assert!([0, 2].contains(&read(&place)));
}
