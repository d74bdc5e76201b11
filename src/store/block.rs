//! Rows as bytes: each number is guessed by going on as before, and only what the guess was off by is written.
//! Exact for every value. Never looks at what the numbers mean.
//!
//! A row is: its time, a byte that says which values are there (low four bits) and which were guessed right (high
//! four), and the others in turn. Times and values are differences of differences, zigzag and as varints, so a
//! quiet row takes two bytes. A block starts with no past.

use crate::model::Timestamp;

pub(super) const COLUMNS: usize = 4;

/// One point in time and its values, where they were measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) at: Timestamp,
    pub(super) values: [Option<u64>; COLUMNS],
}

/// What is remembered of the rows before.
#[derive(Debug, Clone, Default)]
pub(super) struct Encoder {
    time: Guess,
    values: [Guess; COLUMNS],
}

/// The last number and the last step; the same step is expected again. Both wrap, so every u64 fits.
#[derive(Debug, Clone, Copy, Default)]
struct Guess {
    last: Option<u64>,
    step: u64,
}

impl Guess {
    fn next(self) -> u64 {
        self.last.unwrap_or(0).wrapping_add(self.step)
    }

    fn learn(&mut self, number: u64) {
        self.step = self.last.map_or(0, |last| number.wrapping_sub(last));
        self.last = Some(number);
    }

    fn miss(&mut self, number: u64) -> u64 {
        let miss = number.wrapping_sub(self.next()).cast_signed();
        self.learn(number);
        (miss << 1 ^ miss >> 63).cast_unsigned()
    }

    fn correct(&mut self, miss: u64) -> u64 {
        let miss = (miss >> 1).cast_signed() ^ -(miss & 1).cast_signed();
        let number = self.next().wrapping_add(miss.cast_unsigned());
        self.learn(number);
        number
    }
}

impl Encoder {
    /// Appends the row to a block whose earlier rows this encoder has written.
    pub(super) fn push(&mut self, row: &Row, block: &mut Vec<u8>) {
        put(self.time.miss(row.at.0.cast_unsigned()), block);
        let head = block.len();
        block.push(0);
        let mut flags = 0;
        for (column, value) in row.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            flags |= 1 << column;
            match self.values[column].miss(value) {
                0 => flags |= 16 << column,
                miss => put(miss, block),
            }
        }
        block[head] = flags;
    }

    fn pull(&mut self, block: &mut &[u8]) -> Option<Row> {
        let at = Timestamp(self.time.correct(take(block)?).cast_signed());
        let (flags, rest) = block.split_first()?;
        *block = rest;
        let mut values = [None; COLUMNS];
        for (column, value) in values.iter_mut().enumerate() {
            if flags & 1 << column != 0 {
                let miss = if flags & 16 << column == 0 { take(block)? } else { 0 };
                *value = Some(self.values[column].correct(miss));
            }
        }
        Some(Row { at, values })
    }
}

/// The rows of a block, in the order they were pushed.
pub(super) fn rows(mut block: &[u8]) -> impl Iterator<Item = Row> {
    let mut past = Encoder::default();
    std::iter::from_fn(move || past.pull(&mut block))
}

/// Seven bits a byte, lowest first; the high bit says that more follow.
fn put(mut number: u64, block: &mut Vec<u8>) {
    while number >= 0x80 {
        block.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    block.push(number as u8);
}

fn take(block: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, rest) = block.split_first()?;
        *block = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_out_as_they_went_in(
            given in prop::collection::vec((any::<i64>(), prop::array::uniform4(any::<Option<u64>>())), 0..80)
        ) {
            let given: Vec<Row> = given.into_iter().map(|(at, values)| Row { at: Timestamp(at), values }).collect();
            let (mut encoder, mut block) = (Encoder::default(), Vec::new());
            given.iter().for_each(|row| encoder.push(row, &mut block));
            prop_assert_eq!(rows(&block).collect::<Vec<_>>(), given);
        }

        #[test]
        fn bytes_from_elsewhere_end_early_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(rows(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn a_quiet_row_takes_two_bytes() {
        let (mut encoder, mut block) = (Encoder::default(), Vec::new());
        let row = |n: i64| Row {
            at: Timestamp(1_795_000_000_000 + n * 15_000),
            values: [Some(0), Some(7), None, Some(9)],
        };
        encoder.push(&row(0), &mut block);
        encoder.push(&row(1), &mut block);
        let before = block.len();
        encoder.push(&row(2), &mut block);
        assert_eq!(block.len() - before, 2);
    }
}
