//! A row of counts in few bytes: equal neighbours once, zeros not at all. What is good in every minute of an hour
//! takes less than ten bytes. Never loses a count.

use crate::model::{Counts, Damaged, Reader, Writer};

/// Counts of consecutive minutes, or hours; those after the last that is not empty are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Packed(Box<[u8]>);

/// So that the head of a run stays one byte.
const LONGEST_RUN: usize = 16;

impl Packed {
    pub(super) fn new(counts: &[Counts]) -> Self {
        let filled = counts.iter().rposition(|counts| !counts.is_empty()).map_or(0, |last| last + 1);
        let mut writer = Writer::default();
        for equal in counts[..filled].chunk_by(|a, b| a == b) {
            for run in equal.chunks(LONGEST_RUN) {
                let Counts { good, bad, unmeasured } = run[0];
                let present = u64::from(good > 0) | u64::from(bad > 0) << 1 | u64::from(unmeasured > 0) << 2;
                writer.number(present | (run.len() as u64 - 1) << 3);
                for number in [good, bad, unmeasured].into_iter().filter(|number| *number > 0) {
                    writer.number(number);
                }
            }
        }
        Self(writer.into_bytes().into())
    }

    /// From the bytes of a row.
    ///
    /// # Errors
    /// They are not what [`Packed::bytes`] gave, or hold more than `most` counts.
    pub(super) fn read(bytes: &[u8], most: usize) -> Result<Self, Damaged> {
        let packed = Self(bytes.into());
        let mut reader = Reader::new(bytes);
        let mut count = 0;
        while !reader.is_at_end() {
            count += next_run(&mut reader)?.0;
        }
        if count > most { Err(Damaged) } else { Ok(packed) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn unpack<const N: usize>(&self) -> [Counts; N] {
        let mut counts = [Counts::default(); N];
        let all = self.runs().flat_map(|(length, counts)| std::iter::repeat_n(counts, length));
        for (place, one) in counts.iter_mut().zip(all) {
            *place = one;
        }
        counts
    }

    /// The sum of those from `from` to `to`, inclusive.
    pub(super) fn sum(&self, from: usize, to: usize) -> Counts {
        let mut sum = Counts::default();
        let mut at = 0;
        for (length, counts) in self.runs() {
            let inside = (at + length).min(to + 1).saturating_sub(at.max(from)) as u64;
            sum += Counts {
                good: counts.good.saturating_mul(inside),
                bad: counts.bad.saturating_mul(inside),
                unmeasured: counts.unmeasured.saturating_mul(inside),
            };
            at += length;
            if at > to {
                break;
            }
        }
        sum
    }

    fn runs(&self) -> impl Iterator<Item = (usize, Counts)> + '_ {
        let mut reader = Reader::new(&self.0);
        std::iter::from_fn(move || if reader.is_at_end() { None } else { next_run(&mut reader).ok() })
    }
}

fn next_run(reader: &mut Reader<'_>) -> Result<(usize, Counts), Damaged> {
    let head = reader.number()?;
    if head >= 128 {
        return Err(Damaged);
    }
    let mut numbers = [0; 3];
    for (bit, number) in numbers.iter_mut().enumerate() {
        if head >> bit & 1 == 1 {
            *number = reader.number()?;
        }
    }
    let [good, bad, unmeasured] = numbers;
    Ok(((head >> 3) as usize + 1, Counts { good, bad, unmeasured }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[(usize, u64, u64, u64)], most_bytes: usize) {
        let mut all = [Counts::default(); 60];
        let runs = counts.iter().flat_map(|&(length, good, bad, unmeasured)| {
            std::iter::repeat_n(Counts { good, bad, unmeasured }, length)
        });
        for (place, one) in all.iter_mut().zip(runs) {
            *place = one;
        }
        let packed = Packed::new(&all);
        assert_eq!(packed.unpack(), all, "{counts:?}");
        assert!(packed.bytes().len() <= most_bytes, "{counts:?}: {} bytes", packed.bytes().len());
        assert_eq!(Packed::read(packed.bytes(), 60), Ok(packed.clone()));
        for (from, to) in [(0, 59), (0, 0), (3, 17), (59, 59), (20, 19)] {
            let mut sum = Counts::default();
            all[from..(to + 1).max(from)].iter().for_each(|one| sum += *one);
            assert_eq!(packed.sum(from, to), sum, "{counts:?} from {from} to {to}");
        }
    }

    #[test]
    fn what_was_packed_comes_back() {
        check(&[], 0);
        check(&[(60, 1, 0, 0)], 8);
        check(&[(60, 600, 0, 0)], 12);
        check(&[(5, 0, 0, 0), (1, 7, 0, u64::MAX), (3, 0, 2, 0), (20, 0, 0, 0), (1, 1, 1, 1)], 24);
    }

    #[test]
    fn damaged_bytes_are_told() {
        assert_eq!(Packed::read(&[0x80, 0x01], 60), Err(Damaged), "a head of two bytes");
        assert_eq!(Packed::read(&[1], 60), Err(Damaged), "no number");
        assert_eq!(Packed::read(&[0x79, 1, 0x79, 1], 24), Err(Damaged), "32 hours of a day");
    }
}
