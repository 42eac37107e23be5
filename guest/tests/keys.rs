//! The bundled guests' sort keys against their comparators, both as they export them, and the writer of keys
//! against the orders of what it writes.

use std::cmp::Ordering;

use callbox_guest::Key;

type Compare = unsafe extern "C" fn(*const u8, usize, *const u8, usize) -> i32;
type SortKey = unsafe extern "C" fn(*const u8, usize, *mut u8, usize) -> usize;

/// A guest that has both exports, and pieces of the items that mean something to it.
struct Guest {
    name: &'static str,
    compare: Compare,
    sort_key: SortKey,
    pieces: &'static [&'static [u8]],
}

macro_rules! guests {
    ($($guest:ident in $path:literal: $($piece:literal)*;)*) => {
        $(
            #[path = $path]
            mod $guest;
        )*

        const GUESTS: &[Guest] = &[$(Guest {
            name: stringify!($guest),
            compare: $guest::compare_bytes,
            sort_key: $guest::sort_key,
            pieces: &[$($piece),*],
        }),*];
    };
}

guests! {
    bytes in "../orders/bytes.rs":
        b"a" b"b" b"\0" b"\x01" b"\x7f" b"\x80" b"\xff" b"longer than eight";
    dictionary in "../orders/dictionary.rs":
        b"a" b"B" b"0" b" " b"\t" b"\n" b"-" b"\0" b"\xff" b"_";
    fold in "../orders/fold.rs":
        b"a" b"A" b"b" b"Z" b"z" b"[" b"`" b"{" b"\0" b"\xe4" b"\xff";
    general in "../orders/general.rs":
        b"0" b"1" b"9" b"." b"-" b"+" b"e" b"E2" b"0x" b"p" b"f" b"inf" b"nan" b" ";
    human in "../orders/human.rs":
        b"0" b"1" b"9" b"." b"-" b" " b"K" b"k" b"M" b"Q" b"x" b"00";
    ipv4 in "../orders/ipv4.rs":
        b"0" b"1" b"25" b"255" b"256" b"." b"1.2." b"0.0.0." b"/" b"/8" b"/33" b" " b"x";
    month in "../orders/month.rs":
        b"jan" b"FEB" b"Mar" b"apR" b"may" b"jun" b"jul" b"aug" b"sep" b"oct" b"nov" b"dec" b"j" b" " b"\t"
        b"x";
    natural in "../orders/natural.rs":
        b"0" b"1" b"9" b"00" b"a" b"." b"/" b":" b"\0" b"\xff" b"123456789";
    numeric in "../orders/numeric.rs":
        b"0" b"1" b"9" b"." b"-" b" " b"\n" b"x" b"\0" b"00" b"123456789";
    printing in "../orders/printing.rs":
        b"a" b"B" b" " b"~" b"\x1f" b"\x7f" b"\0" b"\xff" b"-";
    semver in "../orders/semver.rs":
        b"0" b"1" b"9" b"10" b"." b"1.0.0" b"-" b"+" b"a" b"-rc.1" b"v" b"A" b"x" b"_";
    version in "../orders/version.rs":
        b"0" b"1" b"9" b"a" b"Z" b"." b"~" b"-" b"\0" b"\xff" b"\x7f" b"}";
}

/// Numbers, each with its neighbours where 64 bits round up, overflow, or underflow.
const ROUNDED: &str = "
    18446744073709551615 18446744073709551616 18446744073709551617 18446744073709551618
    18446744073709551619 18446744073709551618.0000000000000000000001 1.8446744073709551617e19
    0x10000000000000000 0x10000000000000001 0x10000000000000001.8 0x10000000000000002 1e4932
    1.18973149535723176502e4932 1.18973149535723176506e4932 1e4933 0x1p16383 0x1p16384 inf 0x1p-16445
    0x1p-16446 0x1.8p-16446 1e-4949 1e-4950 1.8e-4951 1.9e-4951 3.6e-4951 1e-4952 1e-999999999999999999999";

impl Guest {
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        // SAFETY: the pointers are those of the slices.
        unsafe { (self.compare)(a.as_ptr(), a.len(), b.as_ptr(), b.len()) }.cmp(&0)
    }

    /// Returns the answer where there is room for `cap` bytes, and the room with eight bytes behind it.
    fn ask(&self, item: &[u8], cap: usize) -> (usize, Vec<u8>) {
        let mut room = vec![0xa5; cap + 8];
        // SAFETY: the pointers are those of the slices; there are `cap` bytes and more.
        let len = unsafe { (self.sort_key)(item.as_ptr(), item.len(), room.as_mut_ptr(), cap) };
        (len, room)
    }

    fn key(&self, item: &[u8]) -> Vec<u8> {
        let (len, _) = self.ask(item, 0);
        let (again, mut room) = self.ask(item, len);
        assert_eq!(again, len, "{}: {item:?}", self.name);
        room.truncate(len);
        room
    }

    /// Compares all items if they are few, and otherwise neighbours by their keys and random others, which is
    /// as good for an order.
    fn agrees(&self, items: Vec<Vec<u8>>) {
        let mut keyed: Vec<_> = items.into_iter().map(|item| (self.key(&item), item)).collect();
        let same = |(key_a, a): &(Vec<u8>, Vec<u8>), (key_b, b): &(Vec<u8>, Vec<u8>)| {
            let name = self.name;
            assert_eq!(key_a.cmp(key_b), self.compare(a, b), "{name}: {a:?} {b:?}, keys {key_a:?} {key_b:?}");
        };
        if keyed.len() < 1000 {
            keyed.iter().for_each(|a| keyed.iter().for_each(|b| same(a, b)));
            return;
        }
        keyed.sort();
        keyed.windows(2).for_each(|pair| same(&pair[0], &pair[1]));
        let mut random = Random(7);
        for _ in 0..200_000 {
            same(&keyed[random.below(keyed.len())], &keyed[random.below(keyed.len())]);
        }
    }
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end
    }
}

/// All concatenations of up to `most` pieces.
fn all(pieces: &[&[u8]], most: usize) -> Vec<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut start = 0;
    for _ in 0..most {
        let end = items.len();
        for at in start..end {
            let longer: Vec<_> = pieces.iter().map(|piece| [&items[at][..], piece].concat()).collect();
            items.extend(longer);
        }
        start = end;
    }
    items
}

#[test]
fn keys_are_in_the_order_of_all_pairs_of_short_items() {
    for guest in GUESTS {
        guest.agrees(all(guest.pieces, 2));
        guest.agrees((0..=255).map(|byte| vec![byte]).collect());
    }
}

#[test]
fn keys_are_in_the_order_of_all_items_of_a_few_pieces() {
    for guest in GUESTS {
        guest.agrees(all(guest.pieces, 4));
        guest.agrees(all(&guest.pieces[..6], 5));
    }
}

#[test]
fn keys_are_in_the_order_of_random_items() {
    let mut random = Random(5);
    for guest in GUESTS {
        let mut item = || -> Vec<u8> {
            let pieces = random.below(16);
            (0..pieces).flat_map(|_| guest.pieces[random.below(guest.pieces.len())]).copied().collect()
        };
        let mut items: Vec<_> = (0..5000).map(|_| item()).collect();
        items.extend(items[..900].to_vec());
        guest.agrees(items);
    }
}

#[test]
fn keys_are_in_the_order_of_names_of_versions() {
    let guest = GUESTS.iter().find(|guest| guest.name == "version").unwrap();
    // Suffixes, zeros where a name ends, and names with a leading point.
    guest.agrees(all(&[b"a", b"0", b"1", b".", b"~", b"-", b"b"], 5));
    guest.agrees(all(&[b"a0", b"a", b".b", b".0", b"~", b".tar.gz", b"00", b".", b"-"], 4));
}

#[test]
fn keys_are_in_the_order_of_numbers_of_every_length() {
    let lengths = (0..12).chain([100, 254, 255, 256, 262, 263, 264, 265, 300, 518, 519, 520, 600]);
    let numbers: Vec<_> = lengths
        .flat_map(|len| ["0", "1", "9", "00"].map(|digit| format!("1{}", digit.repeat(len))))
        .flat_map(|digits| [format!("0{digits}"), format!("-{digits}.5"), format!("{digits}-1"), digits])
        .map(String::into_bytes)
        .collect();
    GUESTS.iter().for_each(|guest| guest.agrees(numbers.clone()));
}

#[test]
fn keys_are_in_the_order_of_numbers_that_round() {
    let numbers = ROUNDED.split_whitespace();
    let items = numbers.flat_map(|number| [number.to_string(), format!("-{number}"), format!("+{number}x")]);
    let items: Vec<_> = items.map(String::into_bytes).collect();
    GUESTS.iter().for_each(|guest| guest.agrees(items.clone()));
}

#[test]
fn nothing_is_written_behind_the_room_and_the_length_does_not_depend_on_it() {
    for guest in GUESTS {
        for item in all(guest.pieces, 2) {
            let key = guest.key(&item);
            for cap in 0..key.len() + 3 {
                let (len, room) = guest.ask(&item, cap);
                assert_eq!(len, key.len(), "{}: {item:?}", guest.name);
                assert_eq!(room[cap..], [0xa5; 8], "{}: {item:?} in {cap} bytes", guest.name);
                assert!(len > cap || room[..len] == key[..], "{}: {item:?} in {cap} bytes", guest.name);
            }
        }
    }
}

/// The key that a function writes.
fn written(write: impl Fn(&mut Key<'_>)) -> Vec<u8> {
    let mut none = Key::new(&mut []);
    write(&mut none);
    let mut room = vec![0; none.len()];
    let mut key = Key::new(&mut room);
    write(&mut key);
    assert!(key.len() == none.len() && key.is_empty() == (none.len() == 0));
    room
}

/// Every pair of values, and of their keys.
fn same_order<T: std::fmt::Debug>(
    values: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    key: impl Fn(&T) -> Vec<u8>,
) {
    let keys: Vec<_> = values.iter().map(key).collect();
    for (a, key_a) in values.iter().zip(&keys) {
        for (b, key_b) in values.iter().zip(&keys) {
            assert_eq!(key_a.cmp(key_b), order(a, b), "{a:?} {b:?}, keys {key_a:?} {key_b:?}");
        }
    }
}

#[test]
fn parts_of_a_key_decide_one_after_the_other() {
    let texts = all(&[b"\0", b"\x01", b"\x02", b"\xff"], 2);
    let pairs: Vec<_> = texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))).collect();
    same_order(&pairs, Ord::cmp, |(a, b)| {
        written(|key| {
            key.push_text(a);
            key.extend(b);
        })
    });
    let opposite =
        |(a, b): &(&Vec<u8>, &Vec<u8>), (c, d): &(&Vec<u8>, &Vec<u8>)| c.cmp(a).then_with(|| b.cmp(d));
    same_order(&pairs, opposite, |(a, b)| {
        written(|key| {
            key.reversed(|key| key.push_text(a));
            key.push_text(b);
        })
    });
    same_order(&texts, Ord::cmp, |text| {
        written(|key| key.reversed(|key| key.reversed(|key| key.extend(text))))
    });
}

#[test]
fn integers_and_floats_compare_as_their_bytes_do() {
    let mut random = Random(3);
    let mut bits: Vec<u64> = (0..400).map(|round| random.next() >> (round % 64)).collect();
    let special =
        [0.0, -0.0, 1.0, -1.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
    bits.extend(special.map(f64::to_bits));
    bits.extend([f64::NAN.to_bits(), (-f64::NAN).to_bits(), u64::MAX, 1 << 63, (1 << 63) - 1]);
    same_order(&bits, Ord::cmp, |bits| written(|key| key.push_u64(*bits)));
    same_order(&bits, |a, b| (*a as i64).cmp(&(*b as i64)), |bits| written(|key| key.push_i64(*bits as i64)));
    let floats: Vec<_> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
    same_order(&floats, f64::total_cmp, |float| written(|key| key.push_f64(*float)));
}
