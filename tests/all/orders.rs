//! The bundled guests, against GNU sort and other oracles.

use std::cmp::Ordering;
use std::net::Ipv4Addr;

use crate::support::{Random, callbox_ok, gnu_sort, path, skip};

/// Guest, GNU sort's option, and the pieces of its lines.
const GNU: &[(&str, &str, &[&str])] = &[
    ("bytes", "", &["a", "B", "b", "\u{e9}", "\0", " ", "\t", "~", "\u{7f}", "ab"]),
    ("fold", "-f", &["a", "A", "b", "B", "_", "z", "Z", "[", "\u{e9}", "\0"]),
    (
        "numeric",
        "-n",
        &["0", "1", "9", "00", "-", ".", " ", "\t", "x", "12", ",", "+", "-0", "1000000000000000000000"],
    ),
    (
        "general",
        "-g",
        &[
            "0", "1", "9", "-", "+", ".", "e", "E", "e-", "x", "0x", "p", "a", "inf", "INF", " ", "\t",
            "\u{b}", "12", "e5",
        ],
    ),
    (
        "human",
        "-h",
        &["0", "1", "2", "9", "-", ".", " ", "K", "k", "M", "G", "T", "P", "E", "Z", "Y", "m", "i", "x"],
    ),
    (
        "month",
        "-M",
        &[
            "jan", "FEB", "Mar", "apr", "May", "jun", "jul", "aug", "Sep", "oct", "nov", "DEC", " ", "\t",
            "x", "ja",
        ],
    ),
    (
        "version",
        "-V",
        &[
            "0", "1", "9", "10", "00", "a", "Z", ".", "-", "~", "_", "+", ".tar", ".gz", ".c~", "..", "\0",
            " ", "\u{e9}",
        ],
    ),
    ("dictionary", "-d", &["a", "A", "0", " ", "\t", "-", ".", "_", "\u{e9}", "'", "b"]),
    ("printing", "-i", &["a", "A", "0", " ", "\t", "-", "~", "\u{1}", "\u{7f}", "\u{e9}", "b"]),
];

fn same_as_gnu(guest: &str, order: &str, options: &[&str], input: &[u8]) {
    let mut gnu: Vec<_> = Some(order).filter(|order| !order.is_empty()).into_iter().collect();
    gnu.extend(options);
    let shown = if guest == "version" { without_hidden_names(input) } else { None };
    let input = shown.as_deref().unwrap_or(input);
    let Some(expected) = gnu_sort(&gnu, input) else { return };
    for sorter in ["qsort", "msvcrt"] {
        let args: Vec<_> = ["sort", guest, "--sorter", sorter].iter().chain(options).copied().collect();
        assert_same(&callbox_ok(&args, input), &expected, &format!("{args:?}"));
    }
}

/// Returns the lines with their leading points replaced, or `None` if GNU sort agrees with the guest on
/// them: coreutils 9.1 takes a hidden file's whole name for a suffix, as the guest does; other versions
/// do not.
fn without_hidden_names(input: &[u8]) -> Option<Vec<u8>> {
    if gnu_sort(&["-V"], b".0\n.A\n")? == b".A\n.0\n" {
        return None;
    }
    skip("gnu-sort-9.1", "names with a leading point under -V, which this GNU sort orders in another way");
    let mut shown = input.to_vec();
    for at in 0..shown.len() {
        if shown[at] == b'.' && (at == 0 || matches!(shown[at - 1], 0 | b'\n')) {
            shown[at] = b'a';
        }
    }
    Some(shown)
}

/// Panics with the first lines that differ; the texts are too long for `assert_eq!`.
fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    if found != expected {
        let end = |c: &u8| matches!(c, 0 | b'\n');
        let mut pairs = found.split(end).zip(expected.split(end));
        let (ours, theirs) = pairs.find(|(a, b)| a != b).unwrap_or_default();
        panic!("{what}: \"{}\" instead of \"{}\"", ours.escape_ascii(), theirs.escape_ascii());
    }
}

fn compare_all(options: &[&str], inputs: impl Fn(&[&str]) -> Vec<u8>) {
    for (guest, order, pieces) in GNU {
        same_as_gnu(guest, order, options, &inputs(pieces));
    }
}

fn generated(pieces: &[&str]) -> Vec<u8> {
    Random(0x9e37_79b9_7f4a_7c15).lines(4000, 7, pieces)
}

#[test]
fn bundled_orders_are_those_of_gnu_sort() {
    compare_all(&[], generated);
}

#[test]
fn bundled_orders_are_those_of_gnu_sort_when_stable() {
    compare_all(&["-s"], generated);
}

#[test]
fn bundled_orders_are_those_of_gnu_sort_when_reversed() {
    compare_all(&["-r"], generated);
    compare_all(&["-r", "-s"], generated);
}

#[test]
fn bundled_orders_keep_the_lines_that_gnu_sort_keeps() {
    compare_all(&["-u"], generated);
    compare_all(&["-u", "-r"], generated);
}

#[test]
fn bundled_orders_are_those_of_gnu_sort_between_nul_bytes() {
    let separated = |pieces: &[&str]| {
        let mut text = generated(pieces);
        for (at, byte) in text.iter_mut().enumerate() {
            if at % 3 == 0 && *byte == b'\n' {
                *byte = 0;
            }
        }
        text
    };
    compare_all(&["-z"], separated);
}

/// Lines that are the same for about eight bytes, or for numbers of eight digits, and end alike.
fn lines_with_common_prefixes(pieces: &[&str]) -> Vec<u8> {
    let prefixes = ["", "a", "lib-", "abcdefg", "abcdefgh", "x.1234567", "12345678", "00000000", "a.b"];
    let mut random = Random(29);
    let mut text = Vec::new();
    for _ in 0..4000 {
        text.extend(prefixes[random.below(prefixes.len())].bytes());
        text.extend(random.lines(1, 3, pieces));
        text.pop();
        text.extend(["", "", "12345678", ".tar.gz"][random.below(4)].bytes());
        text.push(b'\n');
    }
    text
}

#[test]
fn bundled_orders_are_those_of_gnu_sort_after_common_prefixes() {
    compare_all(&[], lines_with_common_prefixes);
    compare_all(&["-s"], lines_with_common_prefixes);
}

#[test]
fn bundled_orders_are_those_of_gnu_sort_on_the_lines_of_this_repository() {
    let mut text = Vec::new();
    for file in ["Cargo.lock", "README.md", "host/sandbox/module.rs", "host/bundled/SHA256SUMS"] {
        text.extend(std::fs::read(path(file)).unwrap());
    }
    compare_all(&[], |_| text.clone());
    compare_all(&["-s"], |_| text.clone());
}

/// Lines on both sides of where numbers of 64 bits round up, and of the greatest and the least of them.
fn lines_that_round() -> Vec<u8> {
    let mut random = Random(23);
    let mut text = String::new();
    for fives in 0..24 {
        for _ in 0..12 {
            let even = u128::from(random.next() | 1 << 63) << 1;
            let mut line = |half: u128, more: i128, tens: i32| {
                // The same as half / 2^fives, and a little more.
                let digits = (half * 5_u128.pow(fives)) as i128 * 10 + more;
                text += &format!("{digits}e{}\n", tens - fives as i32 - 1);
            };
            for half in [even, even + 1, even + 2, even + 3] {
                for more in [-1, 0, 1] {
                    line(half, more, 0);
                }
            }
            line(even + 1, 0, 4000);
            line(even + 2, 0, -4000);
            line(even + 3, 1, -4945);
            text += &format!("0x{:x}p-{fives}\n0x{even:x}.8p-{fives}\n", even + 1);
        }
    }
    for digits in ["1", "1.18973149535723176502", "1.18973149535723176506", "1.9"] {
        text += &format!("{digits}e4932\n-{digits}e4932\n");
    }
    for digits in ["1.8225997659412373012", "1.8225997659412373013", "3.6", "5.4", "5.5"] {
        let zeros = "0".repeat(4950);
        text += &format!("{digits}e-4951\n-{digits}e-4951\n0.{zeros}{}\n", digits.replace('.', ""));
    }
    for exponent in [16383, 16384, -16445, -16446, -16447] {
        text += &format!("0x1p{exponent}\n-0x1.8p{exponent}\n0x0.{}1p{}\n", "0".repeat(25), exponent + 104);
    }
    text.push_str("0e999999999999999999999\n1e999999999999999999999\n1e-999999999999999999999\n");
    text.into_bytes()
}

#[test]
fn general_order_rounds_as_gnu_sort_does_on_x86_64() {
    if !cfg!(target_arch = "x86_64") {
        return skip("x86-64", "whether -g rounds as GNU sort does, whose numbers have 64 bits only there");
    }
    let lines = lines_that_round();
    for options in [&[][..], &["-s"], &["-u"]] {
        same_as_gnu("general", "-g", options, &lines);
    }
}

#[test]
fn general_order_has_lines_without_a_number_first_and_then_nans() {
    let input = b"inf\n1\n-inf\n-nan\nnan\nx\n0x\nNAN(1)\n-0\n\n1e\n";
    let expected = b"x\n\nnan\nNAN(1)\n-nan\n-inf\n0x\n-0\n1\n1e\ninf\n";
    assert_same(&callbox_ok(&["sort", "general", "-s"], input), expected, "general");
}

#[test]
fn general_order_has_no_longest_number() {
    let (zeros, nines) = ("0".repeat(100_000), "9".repeat(100_000));
    let input = format!("2\n0.{nines}\n1{zeros}e-100000\n1.{zeros}1\n0.{zeros}3e100001\n");
    let expected = format!("0.{nines}\n1{zeros}e-100000\n1.{zeros}1\n2\n0.{zeros}3e100001\n");
    assert_same(&callbox_ok(&["sort", "general", "-s"], input.as_bytes()), expected.as_bytes(), "general");
}

#[test]
fn human_order_has_the_units_of_later_versions() {
    let expected = b"9q\n1K\n2k\n1Y\n1R\n1Q\n";
    assert_same(&callbox_ok(&["sort", "human"], b"1Q\n1R\n1Y\n2k\n1K\n9q\n"), expected, "human");
}

/// Sorts the lines with a guest and checks the result against a naive order, ties by bytes.
fn same_as_naive(guest: &str, input: &[u8], order: impl Fn(&[u8], &[u8]) -> Ordering) {
    let mut lines: Vec<_> = input.strip_suffix(b"\n").unwrap().split(|c| *c == b'\n').collect();
    lines.sort_by(|a, b| order(a, b).then(a.cmp(b)));
    let expected: Vec<u8> = lines.into_iter().flat_map(|line| [line, b"\n"].concat()).collect();
    assert_same(&callbox_ok(&["sort", guest], input), &expected, guest);
}

#[test]
fn natural_order_takes_runs_of_digits_for_numbers() {
    #[derive(PartialEq, Eq)]
    enum Part {
        Number(String),
        Byte(u8),
    }
    let parts = |line: &[u8]| {
        let mut parts: Vec<Part> = Vec::new();
        let mut in_number = false;
        for &byte in line {
            match (byte.is_ascii_digit(), parts.last_mut()) {
                (true, Some(Part::Number(digits))) if in_number => digits.push(byte.into()),
                (true, _) => parts.push(Part::Number(char::from(byte).into())),
                (false, _) => parts.push(Part::Byte(byte)),
            }
            in_number = byte.is_ascii_digit();
        }
        parts
    };
    let order = |a: &Part, b: &Part| match (a, b) {
        (Part::Number(a), Part::Number(b)) => {
            let [a, b] = [a, b].map(|digits| digits.trim_start_matches('0'));
            a.len().cmp(&b.len()).then(a.cmp(b))
        }
        (Part::Byte(a), Part::Byte(b)) => a.cmp(b),
        // Any digit can stand for the number: other bytes are below or above all digits.
        (Part::Number(_), Part::Byte(b)) => b'0'.cmp(b),
        (Part::Byte(a), Part::Number(_)) => a.cmp(&b'0'),
    };
    let pieces = ["0", "1", "9", "10", "00", "a", "Z", ".", "-", "img", " ", "123456789012"];
    let input = [Random(7).lines(4000, 6, &pieces), lines_with_common_prefixes(&pieces)].concat();
    same_as_naive("natural", &input, |a, b| {
        let (a, b) = (parts(a), parts(b));
        let first = a.iter().zip(&b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
        first.unwrap_or(a.len().cmp(&b.len()))
    });
}

#[test]
fn natural_order_has_no_longest_number() {
    let long = "9".repeat(100_000);
    let input = format!("f1{long}\nf{long}\nf2\n");
    assert_eq!(
        callbox_ok(&["sort", "natural"], input.as_bytes()),
        format!("f2\nf{long}\nf1{long}\n").as_bytes()
    );
}

#[test]
fn addresses_are_ordered_by_value_and_the_rest_comes_first() {
    let value = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let address: Option<Ipv4Addr> = text[..end].parse().ok();
        let prefix = text[end..].strip_prefix('/').and_then(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..digits].parse::<u32>().ok().filter(|&length| digits <= 3 && length <= 32)
        });
        address.map(|address| (u32::from(address), prefix.unwrap_or(32)))
    };
    let pieces = [
        "10.", "192.168.", "0.0.", "255.", "1.2.3.4", "7", "25", "256.", ".", "/24", "/8", "/33", " host",
        "x",
    ];
    let mut input = Random(11).lines(4000, 5, &pieces);
    input.extend(b"010.1.1.1\n1.2.3.4.5\n1.2.3.4.\n  1.2.3.4\n");
    // `Ipv4Addr` rejects leading zeros and leading blanks; the guest accepts both.
    let numbers = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).trim_start().to_owned();
        let parts: Vec<_> = text
            .split('.')
            .map(|part| {
                let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                match digits {
                    1..=3 => format!("{}{}", part[..digits].parse::<u32>().unwrap(), &part[digits..]),
                    _ => part.to_owned(),
                }
            })
            .collect();
        value(parts.join(".").as_bytes())
    };
    same_as_naive("ipv4", &input, |a, b| numbers(a).cmp(&numbers(b)));
}

#[test]
fn semantic_versions_have_the_precedence_that_the_semver_crate_gives_them() {
    let version = |line: &[u8]| {
        let text = std::str::from_utf8(line).unwrap();
        semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
    };
    let pieces = [
        "0", "1", "2", "10", ".", ".", ".", "1.0.0", "0.1.2", "-", "-rc.1", "-alpha", "+b", "v", "-0.01", "x",
    ];
    let mut input = Random(13).lines(6000, 6, &pieces);
    input.extend(
        b"1.0.0-alpha.1\n1.0.0-alpha.beta\n1.0.0-beta.2\n1.0.0-beta.11\n1.0.0-rc.1\n1.0.0\n1.0.0-\n01.0.0\n",
    );
    same_as_naive("semver", &input, |a, b| match (version(a), version(b)) {
        (Some(a), Some(b)) => a.cmp_precedence(&b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
}

macro_rules! records {
    ($($test:ident: $t:ident, $order:expr;)*) => { $(
        #[test]
        fn $test() {
            let mut random = Random(17);
            let mut bytes = Vec::new();
            for round in 0..3000 {
                // Numbers of every size, with many ties among the small ones.
                let bits = random.next() >> (round % 64);
                bytes.extend_from_slice(&bits.to_le_bytes()[..size_of::<$t>()]);
            }
            let mut numbers: Vec<$t> = bytes
                .chunks(size_of::<$t>())
                .map(|chunk| $t::from_le_bytes(chunk.try_into().unwrap()))
                .collect();
            numbers.sort_by($order);
            let expected: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            for sorter in ["qsort", "msvcrt"] {
                let name = stringify!($t);
                let found = callbox_ok(&["sort", name, "--records", name, "--sorter", sorter], &bytes);
                assert!(found == expected, "{name} by {sorter}");
            }
        }
    )* };
}

records! {
    records_of_i32_are_sorted_by_value: i32, i32::cmp;
    records_of_i64_are_sorted_by_value: i64, i64::cmp;
    records_of_u32_are_sorted_by_value: u32, u32::cmp;
    records_of_u64_are_sorted_by_value: u64, u64::cmp;
    records_of_f32_are_sorted_in_total_order: f32, f32::total_cmp;
    records_of_f64_are_sorted_in_total_order: f64, f64::total_cmp;
}

#[test]
fn narrow_records_are_extended_as_c_extends_them() {
    // The i32 guest compares i8 and u8 alike, once the host has widened them.
    let bytes: Vec<u8> = (0..=255).collect();
    let signed: Vec<u8> = (-128..=127i8).map(|n| n as u8).collect();
    assert_eq!(callbox_ok(&["sort", "i32", "--records", "i8"], &bytes), signed);
    assert_eq!(callbox_ok(&["sort", "i32", "--records", "u8"], &signed), bytes);
    let words: Vec<u8> = [0x8000u16, 0x7fff, 0, 0xffff].iter().flat_map(|n| n.to_le_bytes()).collect();
    let as_i16: Vec<u8> = [-0x8000i16, -1, 0, 0x7fff].iter().flat_map(|n| n.to_le_bytes()).collect();
    let as_u16: Vec<u8> = [0u16, 0x7fff, 0x8000, 0xffff].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(callbox_ok(&["sort", "i32", "--records", "i16"], &words), as_i16);
    assert_eq!(callbox_ok(&["sort", "i32", "--records", "u16"], &words), as_u16);
}

#[test]
fn two_orders_written_in_c_and_wat_do_what_their_rust_twins_do() {
    let input = Random(19).lines(3000, 6, &["a", "A", "b", "B", "[", "\u{e9}", "\0", "ab"]);
    for order in ["bytes", "fold"] {
        let expected = callbox_ok(&["sort", order, "-s"], &input);
        for twin in [format!("host/bundled/{order}-c.wasm"), format!("wat/good/{order}.wat")] {
            assert!(callbox_ok(&["sort", &twin, "-s"], &input) == expected, "{twin}");
        }
    }
}
