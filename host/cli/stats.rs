//! Statistics of a sort.

use std::fmt::Write as _;
use std::time::Duration;

use super::args::Stats;
use super::system::peak_memory;

/// The statistics that `--stats` shows.
pub(super) struct Figures {
    /// The sorter's name, escaped.
    pub sorter: String,
    pub items: u64,
    pub written: u64,
    pub comparisons: u64,
    /// Number of answers about pairs of the result.
    pub verified: u64,
    pub fuel: u64,
    pub guest_memory: usize,
    pub load: Duration,
    pub read: Duration,
    pub sort: Duration,
}

impl Figures {
    /// Returns the fuel of a comparison on average, those that verify the result among them; `None` where
    /// there were none.
    fn fuel_per_comparison(&self) -> Option<f64> {
        let comparisons = self.comparisons + self.verified;
        (comparisons > 0).then(|| self.fuel as f64 / comparisons as f64)
    }

    /// Formats the statistics, ending in a newline.
    pub(super) fn show(&self, format: Stats) -> String {
        let peak = peak_memory();
        match format {
            Stats::Text => {
                let mut text = String::new();
                let mut row = |name: &str, value: String| {
                    let _ = writeln!(text, "{name:13} {value}");
                };
                row("sorter", self.sorter.clone());
                row("items", self.items.to_string());
                row("written", self.written.to_string());
                row("comparisons", self.comparisons.to_string());
                row("verified", self.verified.to_string());
                row("fuel", self.fuel.to_string());
                if let Some(fuel) = self.fuel_per_comparison() {
                    row("fuel/compare", format!("{fuel:.1}"));
                }
                row("guest memory", format!("{} bytes", self.guest_memory));
                if let Some(peak) = peak {
                    row("peak memory", format!("{peak} bytes"));
                }
                row("load", format!("{:.6} s", self.load.as_secs_f64()));
                row("read", format!("{:.6} s", self.read.as_secs_f64()));
                row("sort", format!("{:.6} s", self.sort.as_secs_f64()));
                text
            }
            Stats::Json => {
                let json = serde_json::json!({
                    "sorter": self.sorter,
                    "items": self.items,
                    "written": self.written,
                    "comparisons": self.comparisons,
                    "verified": self.verified,
                    "fuel": self.fuel,
                    "fuel_per_comparison": self.fuel_per_comparison(),
                    "guest_memory_bytes": self.guest_memory,
                    "peak_memory_bytes": peak,
                    "load_seconds": self.load.as_secs_f64(),
                    "read_seconds": self.read.as_secs_f64(),
                    "sort_seconds": self.sort.as_secs_f64(),
                });
                format!("{json}\n")
            }
        }
    }
}
