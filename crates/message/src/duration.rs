//! How long something took, takes or is ago, for people: two units that fit, whatever the size.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A twelfth of the Gregorian calendar's mean year.
const MONTH: u64 = 2_629_746;
const YEAR: u64 = 12 * MONTH;

/// `45 s`, `1.5 s`, `2 min 3 s`, `5 h`, `3 days 4 h`, `45 days`, `6 years 11 months`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..MINUTE => {
            let tenths = duration.as_millis() / 100;
            if tenths.is_multiple_of(10) {
                format!("{seconds} s")
            } else {
                format!("{seconds}.{} s", tenths % 10)
            }
        }
        MINUTE..HOUR => two(seconds, (MINUTE, "min", "min"), (1, "s", "s")),
        HOUR..DAY => two(seconds, (HOUR, "h", "h"), (MINUTE, "min", "min")),
        DAY..MONTH => two(seconds, (DAY, "day", "days"), (HOUR, "h", "h")),
        MONTH..YEAR => format!("{} days", seconds / DAY),
        _ => two(seconds, (YEAR, "year", "years"), (MONTH, "month", "months")),
    }
}

/// A unit in seconds, and its names for one and for several.
type Unit = (u64, &'static str, &'static str);

fn two(seconds: u64, large: Unit, small: Unit) -> String {
    let counted =
        |count: u64, (_, one, many): Unit| format!("{count} {}", if count == 1 { one } else { many });
    let first = counted(seconds / large.0, large);
    match seconds % large.0 / small.0 {
        0 => first,
        rest => format!("{first} {}", counted(rest, small)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_size() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (123, "2 min 3 s"),
            (1500, "25 min"),
            (3599, "59 min 59 s"),
            (3600, "1 h"),
            (18_300, "5 h 5 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 day"),
            (277_200, "3 days 5 h"),
            (45 * 86_400, "45 days"),
            (364 * 86_400, "364 days"),
            (366 * 86_400, "1 year"),
            (3_634_614 * 60 + 50, "6 years 10 months"),
            (400 * 86_400, "1 year 1 month"),
            (u64::MAX, "584554049253 years 10 months"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words, "{seconds}");
        }
        assert_eq!(in_words(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(in_words(Duration::from_millis(40)), "0 s");
    }
}
