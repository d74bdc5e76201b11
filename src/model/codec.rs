//! Values as bytes, for rows that outlive the process. Reading is bounded by the bytes there are: no input panics,
//! loops or allocates more than a few times its own length. Never knows what the values mean.

/// The bytes end early, or do not hold what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Appends values to a row.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A number, in as many bytes as it needs: 1 to 10.
    pub fn number(&mut self, mut number: u64) -> &mut Self {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
        self
    }

    /// A number that may be negative; those near zero are short.
    pub fn signed(&mut self, number: i64) -> &mut Self {
        self.number((number << 1 ^ number >> 63).cast_unsigned())
    }

    /// A truth value.
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.number(u64::from(flag))
    }

    /// A text and its length.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }
}

/// Reads values back in the order in which they were written.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// See [`Writer::number`].
    ///
    /// # Errors
    /// The bytes end, or hold a number beyond 64 bits.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first().ok_or(Damaged)?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Damaged);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// See [`Writer::signed`].
    ///
    /// # Errors
    /// As for [`Reader::number`].
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// See [`Writer::flag`].
    ///
    /// # Errors
    /// The bytes end, or hold neither.
    pub fn flag(&mut self) -> Result<bool, Damaged> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }

    /// How many items follow; never more than there are bytes left, so that room can be made for them.
    ///
    /// # Errors
    /// The bytes end, or there cannot be so many.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = usize::try_from(self.number()?).map_err(|_| Damaged)?;
        if count <= self.bytes.len() { Ok(count) } else { Err(Damaged) }
    }

    /// See [`Writer::text`].
    ///
    /// # Errors
    /// The bytes end, or are not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = self.count()?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let mut writer = Writer::default();
        for number in [0, 127, 128, u64::MAX] {
            writer.number(number);
        }
        for number in [0, -1, i64::MIN, i64::MAX] {
            writer.signed(number);
        }
        writer.flag(true).text("orders").text("");
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!([(); 4].map(|()| reader.number().unwrap()), [0, 127, 128, u64::MAX]);
        assert_eq!([(); 4].map(|()| reader.signed().unwrap()), [0, -1, i64::MIN, i64::MAX]);
        assert_eq!((reader.flag(), reader.text(), reader.text()), (Ok(true), Ok("orders"), Ok("")));
        assert!(reader.is_at_end());
        assert_eq!(reader.number(), Err(Damaged));
    }

    #[test]
    fn damaged_bytes_are_told() {
        assert_eq!(Reader::new(&[0xff; 10]).number(), Err(Damaged));
        assert_eq!(Reader::new(&[0x80]).number(), Err(Damaged));
        assert_eq!(Reader::new(&[5, b'a']).text(), Err(Damaged));
        assert_eq!(Reader::new(&[2, 0xff, 0xff]).text(), Err(Damaged));
        assert_eq!(Reader::new(&[2]).flag(), Err(Damaged));
    }
}
