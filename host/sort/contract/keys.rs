//! The search for values whose sort keys are in another order than they are.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hasher};

use super::asking::Interview;
use super::law::{Asked, Law, Reply, Violation};
use super::search::{Search, Value};
use super::shrink::Shrinking;
use super::violation::built;
use crate::error::Result;

impl Search<'_> {
    /// Asks for the sort keys of values that stand in the order of the comparator's answers, if the guest
    /// makes keys of what it compares: one fresh guest in this order, another one in the reverse. `is_equal`
    /// says whether a value equals the next one.
    pub(super) fn keys(
        &mut self,
        values: &[Value<'_>],
        is_equal: impl Fn(usize) -> bool,
    ) -> Result<Option<Violation>> {
        if !self.makes_keys {
            return Ok(None);
        }
        // Of all keys only hashes are kept: a guest may make long ones.
        let (mut hashes, mut before) = (Vec::with_capacity(values.len()), None::<Vec<u8>>);
        let first = Interview::new(self.callback)?;
        for (place, value) in values.iter().enumerate() {
            let reply = first.key(value.bytes)?;
            let Reply::Key(key) = &reply else {
                let asked = vec![Asked { values: [0, 0], reply }];
                return self.about_keys(&values[place..=place], asked).map(Some);
            };
            hashes.push(hash(key));
            if let Some(before) = before {
                let pair = &values[place - 1..=place];
                let answer = if is_equal(place - 1) { Ordering::Equal } else { Ordering::Less };
                if before.cmp(key) != answer {
                    let asked = story(Reply::Answer(answer), [Reply::Key(before), reply]);
                    return self.about_keys(pair, asked).map(Some);
                }
            }
            before = Some(key.clone());
            if self.is_over() {
                return Ok(None);
            }
        }
        let second = Interview::new(self.callback)?;
        for (value, hashed) in values.iter().zip(hashes).rev() {
            let reply = second.key(value.bytes)?;
            let Reply::Key(key) = &reply else {
                let asked = vec![Asked { values: [0, 0], reply }];
                return self.about_keys(std::slice::from_ref(value), asked).map(Some);
            };
            if hash(key) != hashed {
                let fresh = Interview::new(self.callback)?.key(value.bytes)?;
                let asked = [fresh, reply].map(|reply| Asked { values: [0, 0], reply });
                return Ok(Some(built(Law::Keys, std::slice::from_ref(value), asked.into())));
            }
            if self.is_over() {
                return Ok(None);
            }
        }
        self.keys += values.len();
        Ok(None)
    }

    /// Returns the violation of a guest whose keys of one or two values are not in their order, or cannot be
    /// had, made smaller. `asked` is what showed it.
    fn about_keys(&mut self, values: &[Value<'_>], asked: Vec<Asked>) -> Result<Violation> {
        let mut violation = built(Law::Keys, values, asked);
        if self.how.shrink {
            let form = self.form.clone();
            let shrinking = Shrinking::new(&form, |values| Ok(are_wrong(&self.story_of_keys(values)?)));
            let smaller = shrinking.shrink(violation.values.clone())?;
            let asked = self.story_of_keys(&smaller)?;
            if are_wrong(&asked) {
                (violation.values, violation.asked) = (smaller, asked);
            }
        }
        if let [a, b] = &violation.values[..]
            && a == b
        {
            violation.values.pop();
            violation.asked.remove(0);
            violation.asked.iter_mut().for_each(|asked| asked.values = [0, 0]);
        }
        Ok(violation)
    }

    /// Asks a fresh guest to compare the values, if they are two, and for their keys.
    fn story_of_keys(&mut self, values: &[Vec<u8>]) -> Result<Vec<Asked>> {
        let interview = Interview::new(self.callback)?;
        let [a, b] = values else {
            let reply = interview.key(&values[0])?;
            return Ok(vec![Asked { values: [0, 0], reply }]);
        };
        self.asked += 1;
        let answer = interview.ask(a, b)?;
        let keys = [interview.key(a)?, interview.key(b)?];
        Ok(story(interview.reply(answer), keys))
    }
}

/// Returns what a guest was asked about two values: to compare them, and for the key of each.
fn story(answer: Reply, [a, b]: [Reply; 2]) -> Vec<Asked> {
    vec![
        Asked { values: [0, 1], reply: answer },
        Asked { values: [0, 0], reply: a },
        Asked { values: [1, 1], reply: b },
    ]
}

/// Returns whether keys are not in the order of their values, or the only one cannot be had.
fn are_wrong(asked: &[Asked]) -> bool {
    let replies: Vec<_> = asked.iter().map(|asked| &asked.reply).collect();
    match replies[..] {
        [Reply::Failure { .. }] => true,
        [Reply::Answer(answer), Reply::Key(a), Reply::Key(b)] => a.cmp(b) != *answer,
        _ => false,
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}
