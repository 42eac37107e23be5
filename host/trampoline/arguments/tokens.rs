//! Tokens: the numbers that stand for pointers that are not followed.

use std::collections::HashMap;
use std::ffi::c_void;

use smallvec::SmallVec;

use super::{GuestPtr, MIN_INDEXED};

/// The pointers of one call that are not followed.
#[derive(Default)]
pub(super) struct Tokens<'a> {
    tokens: Vec<Token<'a>>,
    /// Positions by address, once there are many.
    index: Option<HashMap<usize, usize>>,
}

/// A pointer, and the types as which C passed it.
struct Token<'a> {
    pointer: *mut c_void,
    passed_as: SmallVec<[TokenType<'a>; 1]>,
}

/// The tag of a struct with unknown fields, `None` for `void`, and whether it is const.
type TokenType<'a> = (Option<&'a str>, bool);

impl<'a> Tokens<'a> {
    /// Returns the token of a pointer, which is the same each time, whatever its type.
    pub(super) fn token(&mut self, pointer: *mut c_void, tag: Option<&'a str>, readonly: bool) -> GuestPtr {
        if self.index.is_none() && self.tokens.len() >= MIN_INDEXED {
            let tokens = self.tokens.iter().enumerate();
            self.index = Some(tokens.map(|(at, token)| (token.pointer.addr(), at)).collect());
        }
        let known = match &self.index {
            Some(known) => known.get(&pointer.addr()).copied(),
            None => self.tokens.iter().position(|token| token.pointer == pointer),
        };
        let at = known.unwrap_or(self.tokens.len());
        if known.is_none() {
            self.tokens.push(Token { pointer, passed_as: SmallVec::new() });
            if let Some(known) = &mut self.index {
                known.insert(pointer.addr(), at);
            }
        }
        let passed_as = &mut self.tokens[at].passed_as;
        if !passed_as.contains(&(tag, readonly)) {
            passed_as.push((tag, readonly));
        }
        GuestPtr::Token(at as u32 + 1)
    }

    /// Returns the pointer that a number stands for, where C passed it as a pointer of this type; the error
    /// says why it is none.
    pub(super) fn pointer(
        &self,
        number: u64,
        tag: Option<&str>,
        readonly: bool,
    ) -> Result<*mut c_void, &'static str> {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let token = at.and_then(|at| self.tokens.get(at)).ok_or("no pointer that this call gave it")?;
        let of_type = || token.passed_as.iter().filter(|(its, _)| *its == tag);
        if of_type().next().is_none() {
            return Err("a pointer of another type");
        }
        if !readonly && of_type().all(|(_, readonly)| *readonly) {
            return Err("a pointer to const");
        }
        Ok(token.pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance_mut;

    #[test]
    fn a_token_goes_back_as_what_it_came_in_as() {
        let mut tokens = Tokens::default();
        let [one, two] = [8, 16].map(without_provenance_mut);
        assert_eq!(tokens.token(one, Some("a"), true).number(0), 1);
        assert_eq!(tokens.token(two, None, false).number(0), 2);
        assert!(tokens.pointer(1, Some("a"), false).unwrap_err().contains("const"));
        assert_eq!(tokens.pointer(1, Some("a"), true), Ok(one));
        assert!(tokens.pointer(1, Some("b"), true).unwrap_err().contains("another type"));
        assert!(tokens.pointer(1, None, true).unwrap_err().contains("another type"));
        assert_eq!(tokens.pointer(2, None, true), Ok(two), "const can be added");
        assert!(tokens.pointer(3, None, true).is_err());
        // C passes the same pointer in two ways: the guest can tell, and hand it back in either.
        assert_eq!(tokens.token(one, None, false).number(0), 1);
        assert_eq!(tokens.pointer(1, None, false), Ok(one));
        assert!(tokens.pointer(1, Some("a"), false).is_err());
    }

    #[test]
    fn many_tokens_are_found_as_few_are() {
        let mut tokens = Tokens::default();
        for round in 0..2 {
            for n in 1..100 {
                let pointer = without_provenance_mut(n * 8);
                assert_eq!(tokens.token(pointer, None, true).number(0) as usize, n, "round {round}");
                assert_eq!(tokens.pointer(n as u64, None, true), Ok(pointer));
            }
        }
        assert!(tokens.pointer(100, None, true).is_err());
        assert!(tokens.pointer(u64::MAX, None, true).is_err());
    }
}
