use callbox::bundled::Bundled;
use callbox::sort::{Items, Job, Options, Sorter, Verify};
use callbox::{CType, Limits, Module, Prototype, Sandbox};
use std::time::Instant;
fn main() -> callbox::Result<()> {
    let sandbox = Sandbox::new(Limits::default())?;
    let mut x = 88172645463325252u64;
    let mut next = move || { x ^= x << 13; x ^= x >> 7; x ^= x << 17; x };
    let numbers: Vec<u8> = (0..100_000).flat_map(|_| (next() as u32).to_le_bytes()).collect();
    let million: Vec<u8> = (0..1_000_000).flat_map(|_| (next() as u32).to_le_bytes()).collect();
    let thousand: Vec<u8> = (0..1000).flat_map(|_| (next() as u32).to_le_bytes()).collect();
    let mut text = Vec::new();
    for _ in 0..300_000 { text.extend(format!("lib-{}.{}.{}.tar.gz\n", next() % 90, next() % 200, next() % 5000).bytes()); }
    let short: Vec<u8> = text.iter().copied().take(22_000).collect();
    let lines = Items::lines(text, b'\n')?;
    let short = Items::lines(short, b'\n')?;
    let cb = |n: &str, e: &str, t: CType| -> callbox::Result<callbox::Callback> {
        Module::new(&sandbox, n, Bundled::find(n).unwrap().wasm)?.instantiate()?.callback(e, Prototype::comparator(t))
    };
    let i32s = cb("i32", "compare_i32", CType::Int32)?;
    let version = cb("version", "compare_bytes", CType::Void)?;
    let bytes = cb("bytes", "compare_bytes", CType::Void)?;
    let rounds: usize = std::env::args().nth(1).map_or(15, |n| n.parse().unwrap());
    for (name, items, callback) in [("1k i32", Items::records(thousand, 4)?, &i32s), ("100k i32", Items::records(numbers, 4)?, &i32s), ("1M i32", Items::records(million, 4)?, &i32s), ("1k lines", short, &version),
        ("300k lines version", lines.clone(), &version), ("300k lines bytes", lines, &bytes)] {
        for sorter in [Sorter::Qsort, Sorter::Sandboxed] {
            let mut times = [vec![], vec![]];
            let mut told = (0, 0);
            for _ in 0..rounds {
                for (at, verify) in [Verify::Off, Verify::Sample].into_iter().enumerate() {
                    let mut items = items.clone();
                    let job = Job::new(callback, Options { sorter, verify, ..Options::default() });
                    let began = Instant::now();
                    if items.width().is_some() { job.sort_in_place(&mut items)?; } else { job.sort(&items)?; }
                    times[at].push(began.elapsed());
                    told = (job.comparisons(), job.verified());
                }
            }
            for t in &mut times { t.sort(); }
            let [off, on] = [0, 1].map(|i| times[i][times[i].len() / 2].as_secs_f64() * 1e3);
            println!("{name:20} {sorter:?}: off {off:.3} ms, sample {on:.3} ms, +{:.2} %, {told:?}", (on / off - 1.0) * 100.0);
        }
    }
    Ok(())
}
