//! Numbers as they are read: with units, grouped, singular or plural.

use std::time::Duration;

/// `0.42 ms`, `142 ms`, `5.00 s`, `3 min 12 s`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.9995 {
        format!("{} ms", milliseconds(seconds * 1000.0))
    } else if seconds < 99.995 {
        format!("{seconds:.2} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// For the ladder's column, milliseconds: `0.16`, `12.3`, `2000`; beyond 100 s: `104 s`.
pub(super) fn column(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 99_999.5 { milliseconds(ms) } else { format!("{:.0} s", ms / 1000.0) }
}

/// Three digits are enough to compare, two decimals enough to tell a local network from none.
fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 9.995 => format!("{ms:.2}"),
        ms if ms < 99.95 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

/// `1 byte`, `2,230 bytes`.
pub(super) fn bytes(n: u64) -> String {
    count(n, "byte")
}

/// `1 connection`, `10 connections`.
pub(super) fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `2,230`
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `18.5 seconds`, `20 seconds`.
pub(super) fn seconds(seconds: f64) -> String {
    let text = format!("{seconds:.1}");
    format!("{} seconds", text.strip_suffix(".0").unwrap_or(&text))
}

/// As precise as a number is that was worked out from a short run: `10,000`, `151,000`, `23 million`.
pub(super) fn rough(n: f64) -> String {
    let rounded = |digits: i32| {
        let place = 10_f64.powi((n.abs().max(1.0).log10().floor() as i32 - digits + 1).max(0));
        (n / place).round() * place
    };
    if n < 999_500.0 {
        return grouped(rounded(3) as u64);
    }
    let n = rounded(2);
    let (scale, unit) = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million")]
        .into_iter()
        .find(|(scale, _)| n >= *scale)
        .unwrap_or((1e6, "million"));
    let n = n / scale;
    if n < 9.95 { format!("{n:.1} {unit}") } else { format!("{n:.0} {unit}") }
}

/// `4.0 GB`, of powers of ten.
pub(super) fn size(n: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut n = n;
    let mut unit = 0;
    while n >= 999.5 && unit + 1 < units.len() {
        n /= 1000.0;
        unit += 1;
    }
    if n < 10.0 && unit > 0 { format!("{n:.1} {}", units[unit]) } else { format!("{n:.0} {}", units[unit]) }
}

/// `11.2 KiB`, of powers of two, as memory is counted.
pub(super) fn memory(n: f64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut n, mut unit) = (n, 0);
    while n >= 1023.5 && unit + 1 < units.len() {
        n /= 1024.0;
        unit += 1;
    }
    if n < 99.95 && unit > 0 { format!("{n:.1} {}", units[unit]) } else { format!("{n:.0} {}", units[unit]) }
}

/// Short times with the digits that they have: `0.012 ms`, `1.25 ms`, `2.50 s`.
pub(super) fn fine(seconds: f64) -> String {
    if (0.0..0.000_995).contains(&seconds) {
        return format!("{:.3} ms", seconds * 1000.0);
    }
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Of a processor, as rough as it was worked out: `45 s`, `12 min`, `3.5 h`.
pub(super) fn processor(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s if s < 35_820.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{} h", grouped((s / 3600.0).round() as u64)),
    }
}

/// As somebody would type it: `1 h`, `90 min`, `20 s`.
pub(super) fn span(time: Duration) -> String {
    let whole = time.as_secs();
    match whole {
        _ if time.subsec_nanos() > 0 => duration(time),
        h if h > 0 && h.is_multiple_of(3600) => format!("{} h", grouped(h / 3600)),
        min if min > 0 && min.is_multiple_of(60) => format!("{} min", grouped(min / 60)),
        s => format!("{} s", grouped(s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_reader_expects() {
        let durations = [0.000_42, 0.0123, 0.142, 5.0, 192.0].map(Duration::from_secs_f64).map(duration);
        assert_eq!(durations, ["0.42 ms", "12.3 ms", "142 ms", "5.00 s", "3 min 12 s"]);
        assert_eq!(
            [0.0, 0.000_16, 2.0, 104.0].map(Duration::from_secs_f64).map(column),
            ["0.00", "0.16", "2000", "104 s"]
        );
        assert_eq!(
            (bytes(1), bytes(2230), grouped(1_234_567)),
            ("1 byte".into(), "2,230 bytes".into(), "1,234,567".into())
        );
        assert_eq!(
            [0.0, 412.4, 10_000.0, 151_351.0, 999_600.0, 2_335_135.0, 23_351_351.0, 233e6, 1.26e9].map(rough),
            [
                "0",
                "412",
                "10,000",
                "151,000",
                "1.0 million",
                "2.3 million",
                "23 million",
                "230 million",
                "1.3 billion"
            ]
        );
        assert_eq!(
            [18.5, 18.52, 20.0, 6.0].map(seconds),
            ["18.5 seconds", "18.5 seconds", "20 seconds", "6 seconds"]
        );
        assert_eq!([15.0, 999.6, 4.04e9, 1.2e13].map(size), ["15 bytes", "1.0 kB", "4.0 GB", "12 TB"]);
    }
    #[test]
    fn of_servers_and_of_long_times() {
        assert_eq!([512.0, 11_469.0, 118e6].map(memory), ["512 bytes", "11.2 KiB", "113 MiB"]);
        assert_eq!([0.000_012, 0.001_25, 2.5].map(fine), ["0.012 ms", "1.25 ms", "2.50 s"]);
        assert_eq!(
            [4.5, 45.0, 720.0, 12_600.0, 1e6].map(processor),
            ["4.5 s", "45 s", "12 min", "3.5 h", "278 h"]
        );
        assert_eq!(
            [3600, 5400, 20, 7200].map(Duration::from_secs).map(span),
            ["1 h", "90 min", "20 s", "2 h"]
        );
    }
}
