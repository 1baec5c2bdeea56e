//! A quick matcher for patterns that start with `^` and are little more than texts and runs of
//! character classes, as those that take URLs apart: it goes over bytes and keeps groups on the way.
//!
//! Invariant: on valid UTF-8 it finds what the general engine finds, group by group; it gives up on
//! everything else, and on rows that make it step back too often.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A pattern that was simple enough.
#[derive(Debug)]
pub(super) struct Anchored {
    steps: Vec<Step>,
}

/// Which bytes belong.
type Set = Box<[bool; 256]>;

#[derive(Debug)]
enum Step {
    Text(Vec<u8>),
    /// One of some ASCII characters.
    One(Set),
    /// As many as there are, at least so many.
    Many(Set, usize),
    /// Writes the place into a slot.
    Mark(usize),
    /// What follows up to that step may be left out; those slots are inside.
    Maybe(usize, Vec<usize>),
    /// Where a `Maybe` ends: texts on both sides stay apart.
    Joint,
    End,
}

/// Starts and ends of the groups, as far as [`SLOTS`] go; [`NOWHERE`] is a group left out.
pub(super) type Slots = [usize; SLOTS];

/// Ten groups: `\0` to `\9`.
const SLOTS: usize = 20;
/// No place.
pub(super) const NOWHERE: usize = usize::MAX;

/// What a row came to.
pub(super) enum Found {
    Match(Slots),
    Nothing,
    /// Ask the general engine.
    Unknown,
}

impl Anchored {
    /// The pattern as the `regex` crate reads it, when it is simple.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let mut parser = regex_syntax::ParserBuilder::new();
        let hir = parser
            .utf8(false)
            .dot_matches_new_line(true)
            .build()
            .parse(pattern)
            .ok()?;
        let HirKind::Concat(parts) = hir.kind() else {
            return None;
        };
        let (first, rest) = parts.split_first()?;
        if !matches!(first.kind(), HirKind::Look(Look::Start)) {
            return None;
        }
        let mut steps = vec![Step::Mark(0)];
        rest.iter().try_for_each(|part| add(part, &mut steps))?;
        steps.push(Step::Mark(1));
        keeps_characters_whole(&steps).then_some(Anchored { steps })
    }

    /// Looks at a row.
    pub(super) fn find(&self, s: &[u8]) -> Found {
        if !s.is_ascii() && std::str::from_utf8(s).is_err() {
            return Found::Unknown;
        }
        let mut walk = Walk {
            steps: &self.steps,
            s,
            slots: [NOWHERE; SLOTS],
            left: 256 + 8 * s.len(),
        };
        match walk.run(0, 0) {
            _ if walk.left == 0 => Found::Unknown,
            true => Found::Match(walk.slots),
            false => Found::Nothing,
        }
    }
}

fn set_of(class: &Class) -> Option<Set> {
    let mut set = Box::new([false; 256]);
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                let (start, end) = (range.start() as usize, range.end() as usize);
                (start..=end.min(127)).for_each(|b| set[b] = true);
                // All other characters or none.
                match (start, end) {
                    (_, ..=127) => {}
                    (..=128, 0x10FFFF) => set[128..].fill(true),
                    _ => return None,
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                (range.start()..=range.end().min(127)).for_each(|b| set[b as usize] = true);
                if range.end() > 127 {
                    return None;
                }
            }
        }
    }
    Some(set)
}

fn add(hir: &Hir, steps: &mut Vec<Step>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(text) => match steps.last_mut() {
            Some(Step::Text(before)) => before.extend_from_slice(&text.0),
            _ => steps.push(Step::Text(text.0.to_vec())),
        },
        HirKind::Class(class) => steps.push(Step::One(set_of(class)?)),
        HirKind::Look(Look::End) => steps.push(Step::End),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| add(part, steps))?,
        HirKind::Capture(group) => {
            let slot = group.index as usize * 2;
            if slot + 1 >= SLOTS {
                return None;
            }
            steps.push(Step::Mark(slot));
            add(&group.sub, steps)?;
            steps.push(Step::Mark(slot + 1));
        }
        HirKind::Repetition(repeat) if repeat.greedy => match (repeat.min, repeat.max) {
            (min @ 0..=1, None) => match repeat.sub.kind() {
                HirKind::Class(class) => steps.push(Step::Many(set_of(class)?, min as usize)),
                HirKind::Literal(text) if text.0.len() == 1 => {
                    let mut set = Box::new([false; 256]);
                    set[usize::from(text.0[0])] = text.0[0].is_ascii();
                    steps.push(Step::Many(set, min as usize));
                }
                _ => return None,
            },
            (0, Some(1)) => {
                let at = steps.len();
                steps.push(Step::Maybe(0, Vec::new()));
                add(&repeat.sub, steps)?;
                let inside = steps[at + 1..].iter().filter_map(|step| match step {
                    Step::Mark(slot) => Some(*slot),
                    _ => None,
                });
                let inside = inside.collect();
                steps[at] = Step::Maybe(steps.len(), inside);
                steps.push(Step::Joint);
            }
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

fn takes_bytes_of_characters(set: &Set) -> bool {
    set[128]
}

/// Bytes stand for characters as long as a run of any characters ends where a character ends: what
/// comes behind it starts with ASCII, or is the end. One character of any kind is not a byte.
fn keeps_characters_whole(steps: &[Step]) -> bool {
    let ascii = |step: &Step| match step {
        Step::Text(text) => text.first().is_none_or(u8::is_ascii),
        Step::One(set) | Step::Many(set, _) => !takes_bytes_of_characters(set),
        Step::Mark(_) | Step::Maybe(..) | Step::Joint | Step::End => true,
    };
    steps.iter().enumerate().all(|(i, step)| match step {
        Step::One(set) => !takes_bytes_of_characters(set),
        Step::Many(set, _) if takes_bytes_of_characters(set) => {
            steps[i + 1..].iter().all(ascii)
                || steps[i + 1..]
                    .iter()
                    .find(|step| !matches!(step, Step::Mark(_)))
                    .is_some_and(|next| matches!(next, Step::Text(text) if text.first().is_some_and(u8::is_ascii)))
        }
        _ => true,
    })
}

struct Walk<'a> {
    steps: &'a [Step],
    s: &'a [u8],
    slots: Slots,
    /// Steps that may still be made.
    left: usize,
}

impl Walk<'_> {
    /// Whether the steps from `i` on fit what is from `at` on.
    fn run(&mut self, mut i: usize, mut at: usize) -> bool {
        let steps = self.steps;
        while let Some(step) = steps.get(i) {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return false;
            }
            match step {
                Step::Text(text) => match self.s[at..].starts_with(text) {
                    true => at += text.len(),
                    false => return false,
                },
                Step::One(set) => match self.s.get(at) {
                    Some(b) if set[usize::from(*b)] => at += 1,
                    _ => return false,
                },
                Step::Mark(slot) => self.slots[*slot] = at,
                Step::Joint => {}
                Step::End if at == self.s.len() => {}
                Step::End => return false,
                Step::Maybe(after, inside) => {
                    if self.run(i + 1, at) {
                        return true;
                    }
                    inside.iter().for_each(|slot| self.slots[*slot] = NOWHERE);
                    i = *after;
                    continue;
                }
                Step::Many(set, least) => return self.many(set, *least, i + 1, at),
            }
            i += 1;
        }
        true
    }

    fn many(&mut self, set: &Set, least: usize, next: usize, at: usize) -> bool {
        let rest = &self.s[at..];
        let most = rest
            .iter()
            .position(|b| !set[usize::from(*b)])
            .unwrap_or(rest.len());
        self.left = self.left.saturating_sub(most / 8);
        let follows = self.steps[next..]
            .iter()
            .find(|step| !matches!(step, Step::Mark(_)));
        let wanted = match follows {
            Some(Step::Text(text)) => text.first().copied(),
            _ => None,
        };
        for taken in (least..=most).rev() {
            // Inside the run stands nothing that the set does not have.
            if let Some(b) = wanted
                && self.s.get(at + taken) != Some(&b)
            {
                if taken == most && !set[usize::from(b)] {
                    return false;
                }
                continue;
            }
            if self.run(next, at + taken) {
                return true;
            }
            if self.left == 0 {
                return false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;

    #[test]
    fn groups_are_those_of_the_general_engine() {
        let patterns = [
            r"^https?://(?:www\.)?([^/]+)/.*$",
            r"^([a-z]+)://([^/?#]*)([^?#]*)(?:\?.*)?$",
            r"^(a|b)c",
            r"^([^é]+)é",
            r"^(x)?([^x]*)x",
            r"^(a*)(a*)b$",
            r"^.*(foo)?$",
            r"^(\d+)-(\d+)",
            r"^([^a])b",
        ];
        let texts = [
            "",
            "http://www.a.b/c/d",
            "https://ä.ö/",
            "https://www./x",
            "http://x",
            "xaax",
            "aaab",
            "ac",
            "12-345 ",
            "foo",
            "ab",
            "ébé",
            "x",
            "ftp://h:1/p?q#f",
            "http://wwww.a/\n/",
        ];
        let mut quick = 0;
        for pattern in patterns {
            let general = Regex::new(&format!("(?s){pattern}")).unwrap();
            let Some(anchored) = Anchored::new(pattern) else {
                continue;
            };
            quick += 1;
            for text in texts {
                let expected = general.captures(text.as_bytes());
                match (anchored.find(text.as_bytes()), expected) {
                    (Found::Match(slots), Some(groups)) => {
                        for g in 0..groups.len() {
                            let own = (slots[2 * g] != NOWHERE && slots[2 * g + 1] != NOWHERE)
                                .then(|| (slots[2 * g], slots[2 * g + 1]));
                            let place = groups.get(g).map(|m| (m.start(), m.end()));
                            assert_eq!(own, place, "{pattern} over {text}, group {g}");
                        }
                    }
                    (Found::Nothing, None) => {}
                    (Found::Unknown, _) => panic!("{pattern} over {text} is simple"),
                    (_, expected) => panic!("{pattern} over {text}: {expected:?}"),
                }
            }
        }
        assert!(quick >= 5, "{quick} patterns were simple");
        assert!(matches!(
            Anchored::new("^a*b").unwrap().find(b"\xff"),
            Found::Unknown
        ));
        let slow = Anchored::new("^a*a*a*a*a*b").unwrap();
        assert!(matches!(slow.find(&[b'a'; 400]), Found::Unknown));
    }
}
