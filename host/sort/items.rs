//! What is sorted: lines or records, in one run of bytes.

use crate::array::{check_width, room};
use crate::error::{Error, Result};

/// Lines, or records of one width, in memory.
#[derive(Clone, Debug)]
pub struct Items {
    bytes: Vec<u8>,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    /// Where each line begins, and behind the last line's separator, where the next would.
    Lines(Vec<usize>),
    Records {
        width: usize,
    },
}

impl Items {
    /// The lines of a text. A line does not contain its separator; the last one may lack it.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyItems`] beyond 2³² − 1 lines, [`Error::NoMemory`].
    pub fn lines(text: Vec<u8>, separator: u8) -> Result<Items> {
        // Counted first: growing as they come would take up to three times the memory at once.
        let separators = memchr::memchr_iter(separator, &text).count();
        let mut starts = room(separators + 2, "the places of the lines")?;
        starts.push(0);
        starts.extend(memchr::memchr_iter(separator, &text).map(|at| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len() + 1); // as if the last line had its separator
        }
        check_len(starts.len() - 1)?;
        Ok(Items { bytes: text, layout: Layout::Lines(starts) })
    }

    /// Records of `width` bytes each.
    ///
    /// # Errors
    ///
    /// [`Error::Ragged`] where the bytes are no whole number of records,
    /// [`Error::TooManyItems`] beyond 2³² − 1 of them.
    pub fn records(bytes: Vec<u8>, width: usize) -> Result<Items> {
        check_width(bytes.len(), width)?;
        check_len(bytes.len() / width)?;
        Ok(Items { bytes, layout: Layout::Records { width } })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Lines(starts) => starts.len() - 1,
            Layout::Records { width } => self.bytes.len() / width,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item of this number, from 0.
    ///
    /// # Panics
    ///
    /// Where there is no such item.
    pub fn get(&self, at: usize) -> &[u8] {
        match &self.layout {
            Layout::Lines(starts) => &self.bytes[starts[at]..starts[at + 1] - 1],
            Layout::Records { width } => &self.bytes[at * width..][..*width],
        }
    }

    /// Width of a record in bytes; `None` for lines.
    pub fn width(&self) -> Option<usize> {
        match self.layout {
            Layout::Lines(_) => None,
            Layout::Records { width } => Some(width),
        }
    }

    /// All of them, in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.get(at))
    }
}

fn check_len(len: usize) -> Result<()> {
    if len > u32::MAX as usize { Err(Error::TooManyItems { len }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_are_what_split_says(text in "[ab\n]{0,30}") {
            let mut naive: Vec<_> = text.split('\n').map(str::as_bytes).collect();
            if naive.last() == Some(&&b""[..]) {
                naive.pop(); // the text ended with a separator, or was empty
            }
            let items = Items::lines(text.clone().into_bytes(), b'\n').unwrap();
            prop_assert_eq!(items.iter().collect::<Vec<_>>(), naive);
        }
    }

    #[test]
    fn a_width_that_does_not_divide_the_length_is_refused() {
        assert!(Items::records(vec![0; 7], 2).is_err());
        assert!(Items::records(vec![0; 7], 0).is_err());
        assert!(Items::records(vec![], 0).is_err());
        assert_eq!(Items::records(vec![], 4).unwrap().len(), 0);
        assert_eq!(Items::records(vec![1, 2, 3, 4], 2).unwrap().get(1), [3, 4]);
    }
}
