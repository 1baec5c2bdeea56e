//! Patterns of events: `(?1)(?t<=3600).*(?2)`.
//!
//! Invariant: matching backtracks within a bounded number of steps, then gives up with an error.

use roost_engine::bail;
use roost_engine::error::Result;

/// Steps of one match, at most.
const STEPS_MAX: usize = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// An event that meets the condition.
    Event(u32),
    /// Any one event.
    Any,
    /// Any number of events.
    Rest,
    /// The time between the events around it.
    Time(Compare, i64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Compare {
    fn holds(self, a: i64, b: i64) -> bool {
        match self {
            Compare::Less => a < b,
            Compare::LessOrEqual => a <= b,
            Compare::Equal => a == b,
            Compare::GreaterOrEqual => a >= b,
            Compare::Greater => a > b,
        }
    }
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

impl Pattern {
    pub(super) fn parse(text: &str, events: usize) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("(?") {
                let Some((inside, after)) = after.split_once(')') else {
                    bail!(
                        BAD_ARGUMENTS,
                        "Malformed pattern '{text}': expected a closing bracket"
                    );
                };
                rest = after;
                parts.push(match inside.strip_prefix('t') {
                    Some(time) => time_part(time, text)?,
                    None => match inside.parse::<usize>() {
                        Ok(n) if (1..=events).contains(&n) => Part::Event(n as u32 - 1),
                        Ok(n) => bail!(BAD_ARGUMENTS, "Event number {n} is out of range"),
                        Err(_) => bail!(BAD_ARGUMENTS, "Malformed pattern '{text}': '{inside}'"),
                    },
                });
            } else if let Some(after) = rest.strip_prefix(".*") {
                rest = after;
                parts.push(Part::Rest);
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = after;
                parts.push(Part::Any);
            } else {
                bail!(
                    BAD_ARGUMENTS,
                    "Could not parse pattern, unexpected text: '{rest}'"
                );
            }
        }
        Ok(Pattern { parts })
    }

    /// Matches without overlaps; stops after the first when `once`.
    pub(super) fn count(&self, events: &[(i64, u32)], once: bool) -> Result<u64> {
        let (mut at, mut count, mut steps) = (0, 0, 0);
        while at < events.len() {
            match self.match_at(events, at, at, 0, &mut steps)? {
                Some(end) => {
                    count += 1;
                    if once {
                        return Ok(count);
                    }
                    at = end.max(at + 1);
                }
                None => at += 1,
            }
        }
        Ok(count)
    }

    /// End of a match of `parts[part..]` from event `at`; `base` is the event that times count from.
    fn match_at(
        &self,
        events: &[(i64, u32)],
        at: usize,
        base: usize,
        part: usize,
        steps: &mut usize,
    ) -> Result<Option<usize>> {
        *steps += 1;
        if *steps > STEPS_MAX {
            bail!(
                TOO_SLOW,
                "Pattern application proves too difficult, exceeding max iterations ({STEPS_MAX})"
            );
        }
        let Some(&own) = self.parts.get(part) else {
            return Ok(Some(at));
        };
        match own {
            Part::Event(n) => match events.get(at) {
                Some((_, bits)) if bits & (1 << n) != 0 => {
                    self.match_at(events, at + 1, at, part + 1, steps)
                }
                _ => Ok(None),
            },
            Part::Any if at < events.len() => self.match_at(events, at + 1, at, part + 1, steps),
            Part::Any => Ok(None),
            Part::Rest => {
                for next in at..=events.len() {
                    if let Some(end) = self.match_at(events, next, base, part + 1, steps)? {
                        return Ok(Some(end));
                    }
                }
                Ok(None)
            }
            // The time is that of the next event that fits the parts behind.
            Part::Time(compare, seconds) => {
                for next in at..events.len() {
                    let passed = events[next].0.saturating_sub(events[base].0);
                    if compare.holds(passed, seconds) {
                        if let Some(end) = self.match_at(events, next, base, part + 1, steps)? {
                            return Ok(Some(end));
                        }
                    } else if matches!(
                        compare,
                        Compare::Less | Compare::LessOrEqual | Compare::Equal
                    ) && passed > seconds
                    {
                        break;
                    }
                }
                Ok(None)
            }
        }
    }
}

fn time_part(text: &str, pattern: &str) -> Result<Part> {
    let kinds = [
        ("<=", Compare::LessOrEqual),
        (">=", Compare::GreaterOrEqual),
        ("==", Compare::Equal),
        ("<", Compare::Less),
        (">", Compare::Greater),
    ];
    for (sign, compare) in kinds {
        if let Some(number) = text.strip_prefix(sign) {
            return match number.trim().parse() {
                Ok(seconds) => Ok(Part::Time(compare, seconds)),
                Err(_) => bail!(
                    BAD_ARGUMENTS,
                    "Malformed pattern '{pattern}': expected a number"
                ),
            };
        }
    }
    bail!(
        BAD_ARGUMENTS,
        "Malformed pattern '{pattern}': unknown time condition '{text}'"
    )
}
