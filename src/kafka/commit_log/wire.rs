//! The primitive types of Kafka's message schemas, in the plain and in the flexible (compact) encoding.
//! Bounded by the bytes there are: no input panics, loops or allocates. Never knows what a field means.

/// The bytes end early, or cannot be what the schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads the fields of one message, in order.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    /// Lengths are varints and one too large; tagged fields follow each structure.
    flexible: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, flexible: false }
    }

    /// The fields that follow are of a flexible version.
    pub(super) fn set_flexible(&mut self) {
        self.flexible = true;
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub(super) fn int16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn int64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// At most 32 bits, in at most five bytes, as Kafka reads it.
    fn unsigned_varint(&mut self) -> Result<u32, Malformed> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| Malformed);
            }
        }
        Err(Malformed)
    }

    /// `None` is null; never more than there are bytes left, as each item takes at least one.
    fn length(
        &mut self,
        plain: impl Fn(&mut Self) -> Result<i32, Malformed>,
    ) -> Result<Option<usize>, Malformed> {
        let length =
            if self.flexible { i64::from(self.unsigned_varint()?) - 1 } else { i64::from(plain(self)?) };
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            _ => Err(Malformed),
        }
    }

    /// The bytes of a string, which may not be UTF-8; `None` is null.
    pub(super) fn nullable_string(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let length = self.length(|fields| fields.int16().map(i32::from))?;
        length.map(|length| self.take(length)).transpose()
    }

    /// The bytes of a string, which may not be UTF-8.
    pub(super) fn string(&mut self) -> Result<&'a [u8], Malformed> {
        self.nullable_string()?.ok_or(Malformed)
    }

    /// How many items an array has; they follow.
    pub(super) fn array_length(&mut self) -> Result<usize, Malformed> {
        self.length(Self::int32)?.ok_or(Malformed)
    }

    /// The value of the tagged field `wanted`, if it is there; other tags are passed over, as newer versions add them.
    pub(super) fn tagged(&mut self, wanted: u32) -> Result<Option<&'a [u8]>, Malformed> {
        let mut found = None;
        // Each takes at least two bytes, so hostile counts end with the bytes.
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let length = usize::try_from(self.unsigned_varint()?).map_err(|_| Malformed)?;
            let value = self.take(length)?;
            if tag == wanted {
                found = Some(value);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_lie_are_malformed() {
        let string = |bytes: &[u8], flexible| {
            let mut fields = Fields::plain(bytes);
            fields.flexible = flexible;
            fields.nullable_string().map(|read| read.map(<[u8]>::to_vec))
        };
        let check = |bytes: &[u8], flexible, expected: Result<Option<&[u8]>, Malformed>| {
            assert_eq!(string(bytes, flexible), expected.map(|read| read.map(<[u8]>::to_vec)), "{bytes:?}");
        };
        check(&[0, 2, b'a', b'b', b'c'], false, Ok(Some(b"ab")));
        check(&[0xff, 0xff], false, Ok(None));
        check(&[0xff, 0xfe], false, Err(Malformed));
        check(&[0, 3, b'a', b'b'], false, Err(Malformed));
        check(&[3, b'a', b'b', b'c'], true, Ok(Some(b"ab")));
        check(&[0], true, Ok(None));
        check(&[4, b'a', b'b'], true, Err(Malformed));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff], true, Err(Malformed));
        check(&[], true, Err(Malformed));
    }

    #[test]
    fn tagged_fields_are_found_among_others() {
        let tagged = |bytes: &[u8]| Fields::plain(bytes).tagged(0).map(|found| found.map(<[u8]>::to_vec));
        assert_eq!(tagged(&[0]), Ok(None));
        assert_eq!(tagged(&[2, 0, 1, 7, 5, 2, 8, 9]), Ok(Some(vec![7])));
        assert_eq!(tagged(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0]), Err(Malformed));
    }
}
