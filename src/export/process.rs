//! What the kernel says of this process: processor time, memory, open files, start. Linux only, absent elsewhere.
//! Never fails: what cannot be read has no series.

use std::fs;

use super::text::Page;
use crate::model::Metric;

/// Ticks per second of the times in /proc: the kernel's `USER_HZ`, which it promises to keep on every
/// platform that Kafka runs on.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn render(page: &mut Page<'_>) {
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let fields = stat.as_deref().and_then(fields_after_name);
    if let Some(seconds) = fields.as_deref().and_then(cpu_seconds) {
        page.family(Metric::ProcessCpuSeconds).sample(&[], seconds);
    }
    let status = fs::read_to_string("/proc/self/status").ok();
    if let Some(bytes) = status.as_deref().and_then(resident_bytes) {
        page.family(Metric::ProcessResidentMemoryBytes).sample(&[], bytes);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // one of them is the folder that is being read
        page.family(Metric::ProcessOpenFds).sample(&[], entries.count().saturating_sub(1));
    }
    let boot = fs::read_to_string("/proc/stat").ok();
    let booted_at = boot.as_deref().and_then(|stat| word_after(stat, "btime ")?.parse().ok());
    if let Some(seconds) = fields.as_deref().zip(booted_at).and_then(start_seconds) {
        page.family(Metric::ProcessStartTimeSeconds).sample(&[], seconds);
    }
}

/// The fields of /proc/self/stat from the third on: the second is a name that may hold blanks and brackets.
fn fields_after_name(stat: &str) -> Option<Vec<&str>> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace().collect())
}

/// utime and stime: fields 14 and 15, counted from 1.
fn cpu_seconds(fields: &[&str]) -> Option<f64> {
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / TICKS_PER_SECOND)
}

/// starttime is field 22, in ticks since the machine was booted.
fn start_seconds((fields, booted_at): (&[&str], f64)) -> Option<f64> {
    let ticks = fields.get(22 - 3)?.parse::<f64>().ok()?;
    Some(booted_at + ticks / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    word_after(status, "VmRSS:")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// The first word behind `key`, which starts a line.
fn word_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_ascii_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_blanks_and_brackets_moves_no_field() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 4 0 12345 1000 300";
        let fields = fields_after_name(stat).unwrap();
        assert_eq!(cpu_seconds(&fields), Some(3.0));
        assert_eq!(start_seconds((&fields, 1000.0)), Some(1123.45));
    }

    #[test]
    fn memory_is_given_in_bytes() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }
}
